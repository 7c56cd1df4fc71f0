"""ResMem and FalseResMem end to end: a state dict in the published names, converted, against plain NumPy.

All is of published size but for the depth of the ResNet, of which one block a kind is enough here, and the width of the
head; the published depth and width are checked by shape, and by score where the published weights are.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import numpy as np
import pytest

from model_store.golden import golden_image
from model_store.models import registry
from model_store.models.checkpoints import CheckpointError
from model_store.models.falseresmem import params as falseresmem_params
from model_store.models.falseresmem.modeling import FalseResMem
from model_store.models.layers import HEAD_WIDTHS
from model_store.models.resmem import params as resmem_params
from model_store.models.resmem.modeling import ResMem
from model_store.models.resnet import RESNET_50_BLOCKS, RESNET_152_BLOCKS
from tests.unit.models import numpy_reference
from tests.unit.models.synthetic_states import FALSERESMEM_NAMES, RESMEM_NAMES, State, published_state

BLOCKS = (1, 2, 1, 1)
HEAD = (32, 24, 20, 16, 12, 8)
IMAGE_SIZE = 227
# Some twenty layers in float32, and a sigmoid whose slope is at most 1/4. Measured: at most 4e-7.
SCORE_TOLERANCE = 2e-6

Convert = Callable[[State, Sequence[int]], dict[str, Any]]


@pytest.mark.parametrize(
    ("module", "convert", "names"),
    [
        (ResMem(BLOCKS, HEAD), resmem_params.convert, RESMEM_NAMES),
        (FalseResMem(BLOCKS, HEAD), falseresmem_params.convert, FALSERESMEM_NAMES),
    ],
    ids=["resmem", "falseresmem"],
)
def test_scores_equal_the_reference(module: nn.Module, convert: Convert, names: Mapping[str, str]) -> None:
    state = published_state(seed=3, blocks=BLOCKS, head=HEAD, names=names)
    images = golden_image(0, IMAGE_SIZE)[None]

    scores = np.asarray(jax.jit(module.apply)({"params": convert(state, BLOCKS)}, images))

    expected = numpy_reference.published_network(images, state, BLOCKS, names)
    assert scores.shape == (1,)
    assert 0.05 < expected[0] < 0.95, "a saturated score would hide differences"
    np.testing.assert_allclose(scores, expected, rtol=0, atol=SCORE_TOLERANCE)


@pytest.mark.parametrize(
    ("name", "blocks", "names"),
    [("resmem", RESNET_152_BLOCKS, RESMEM_NAMES), ("falseresmem", RESNET_50_BLOCKS, FALSERESMEM_NAMES)],
)
def test_the_published_depth_fits_and_nothing_may_be_missing(
    name: str, blocks: Sequence[int], names: Mapping[str, str]
) -> None:
    state = published_state(seed=None, blocks=blocks, head=HEAD_WIDTHS, names=names)
    convert = partial(registry.convert, name, module=registry.build(name, {}), image_size=IMAGE_SIZE, source="it")

    convert(state)

    del state["fc9.bias"]
    with pytest.raises(CheckpointError, match=rf"it does not fit {name}: it has no tensor 'fc9\.bias'"):
        convert(state)
