"""ViTMem against timm's network, layer by layer, and the conversion of its checkpoint.

`tests/reference/record_vitmem.py` wrote the reference values; weights and images are drawn anew from the same
seeds.
"""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from model_store.models import registry
from model_store.models.checkpoints import CheckpointError, flatten, read_checkpoint
from model_store.models.vitmem.modeling import ViTMem
from tests.reference.seeded_vit import PUBLISHED, REDUCED, TINY, VitShape, seeded_images, seeded_state

REFERENCE = Path(__file__).parent / "reference"
REDUCED_LAYERS = ("embedding", "block_0", "block_1", "block_2", "norm")

# Relative to a layer's largest value. Both sides compute in float32 (a rounding is 6e-8) but add up a dense
# layer's 64 to 3,072 products in another order. Measured over all tokens: at most 1.3e-6; GELU's tanh form
# would give 1.5e-4.
LAYER_TOLERANCE = 5e-6
# Means over 150,000 values of each image average those roundings out. Measured: at most 1.3e-7.
MEAN_TOLERANCE = 1e-6
# A logit sums up 768 products whose one factor is off by up to 3e-6 either way, and the sigmoid's slope is at
# most 1/4. Measured: at most 2e-7.
SCORE_TOLERANCE = 2e-6


@pytest.fixture(scope="module")
def reduced_layers() -> dict[str, np.ndarray]:
    return run_layers(REDUCED, seed=1, count=4)


@pytest.mark.parametrize("layer", REDUCED_LAYERS)
def test_every_layer_equals_timm(reduced_layers: Mapping[str, np.ndarray], layer: str) -> None:
    actual, expected = reduced_layers[layer], recorded("reduced")[layer]
    assert_layer_close(actual, expected[:, : actual.shape[1]])


def test_scores_equal_timm(reduced_layers: Mapping[str, np.ndarray]) -> None:
    assert_close(reduced_layers["scores"], recorded("reduced")["scores"], SCORE_TOLERANCE)


def test_only_the_last_block_drops_tokens(reduced_layers: Mapping[str, np.ndarray]) -> None:
    assert [reduced_layers[layer].shape[1] for layer in REDUCED_LAYERS] == [17, 17, 17, 1, 1]


def test_published_size_equals_timm() -> None:
    layers, expected = run_layers(PUBLISHED, seed=2, count=2), recorded("published")

    assert_close(layers["scores"], expected["scores"], SCORE_TOLERANCE)
    for index, name in enumerate(expected["layers"]):
        tokens = layers[name]
        assert_layer_close(tokens[:, 0], expected["class_tokens"][index])
        if tokens.shape[1] > 1:
            mean, magnitude = tokens.mean(axis=(1, 2)), np.abs(tokens).mean(axis=(1, 2))
            assert_close(mean, expected["means"][index], MEAN_TOLERANCE)
            assert_close(magnitude, expected["mean_magnitudes"][index], MEAN_TOLERANCE)


def test_a_file_written_by_pytorch_scores_as_pytorch_does() -> None:
    model = ViTMem(**asdict(TINY))
    params = convert(read_checkpoint(REFERENCE / "vitmem_tiny.pth"), model)

    scores = jax.jit(model.apply)({"params": params}, seeded_images(TINY, count=2, seed=3))

    assert_close(scores, recorded("tiny")["scores"], SCORE_TOLERANCE)


def test_convert_accepts_the_published_prefix_and_none() -> None:
    state, model = seeded_state(TINY, seed=0), ViTMem(**asdict(TINY))
    prefixed = {f"vit.{name}": value for name, value in state.items()}

    plain_leaves = dict(flatten(convert(state, model)))
    prefixed_leaves = dict(flatten(convert(prefixed, model)))

    assert plain_leaves.keys() == prefixed_leaves.keys()
    for path, leaf in plain_leaves.items():
        np.testing.assert_array_equal(leaf, prefixed_leaves[path])


def test_convert_widens_half_precision_and_lays_leaves_out_in_order() -> None:
    state = {name: value.astype(np.float16) for name, value in seeded_state(TINY, seed=0).items()}

    for path, leaf in flatten(convert(state, ViTMem(**asdict(TINY)))):
        assert leaf.dtype == np.float32, path
        assert leaf.flags.c_contiguous, path


def test_convert_lists_everything_that_does_not_fit_in_one_error() -> None:
    state = seeded_state(TINY, seed=0)
    del state["cls_token"], state["blocks.0.mlp.fc1.weight"]
    state["blocks.0.attn.qkv.bias"] = np.zeros(48, np.float32)
    state["head.weight"] = np.zeros((1000, 16), np.float32)

    with pytest.raises(CheckpointError) as caught:
        convert(state, ViTMem(**asdict(TINY)), source="vitmem.pth")

    message = str(caught.value)
    assert message.startswith("vitmem.pth ")
    for problem in (
        "missing: embedding/class_token (1, 16)",
        "missing: block_0/fc1/kernel (16, 64)",
        "unexpected: block_0/attention/qkv/bias (48,)",
        "wrong shape: head/kernel is (16, 1000), expected (16, 1)",
    ):
        assert problem in message


def test_convert_refuses_another_image_size() -> None:
    with pytest.raises(CheckpointError, match=r"embedding/positions is \(5, 16\), expected \(17, 16\)"):
        convert(seeded_state(TINY, seed=0), ViTMem(**{**asdict(TINY), "image_size": 32}))


def convert(state: Mapping[str, np.ndarray], model: ViTMem, source: str = "the checkpoint") -> dict[str, Any]:
    return registry.convert("vitmem", state, model, model.image_size, source)


def run_layers(shape: VitShape, seed: int, count: int) -> dict[str, np.ndarray]:
    """Returns our network's output after the embedding, each block, the last norm and the sigmoid."""
    model = ViTMem(**asdict(shape))
    params = convert(seeded_state(shape, seed), model)
    apply = jax.jit(partial(model.apply, capture_intermediates=True, mutable=["intermediates"]))
    scores, state = apply({"params": params}, seeded_images(shape, count, seed))
    names = ("embedding", *(f"block_{index}" for index in range(shape.depth)), "norm")
    layers = {name: np.asarray(state["intermediates"][name]["__call__"][0]) for name in names}
    return {**layers, "scores": np.asarray(scores)}


def recorded(name: str) -> Mapping[str, np.ndarray]:
    with np.load(REFERENCE / f"vitmem_{name}.npz") as file:
        return dict(file)


def assert_layer_close(actual: np.ndarray, expected: np.ndarray) -> None:
    assert_close(actual, expected, LAYER_TOLERANCE * np.abs(expected).max())


def assert_close(actual: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)
