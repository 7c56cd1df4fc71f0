"""Transformed networks give the scores of the plain ones, and every transformation can be left out."""

from collections.abc import Sequence
from itertools import combinations

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from model_store.models.checkpoints import flatten, unflatten
from model_store.models.precision import compact, widen
from model_store.models.resnet import Bottleneck
from model_store.runtime.transforms import (
    SWITCH,
    Int8Dense,
    MaterialisedBlocks,
    ShiftedDepthwise,
    Transformation,
    TransformedNetwork,
    UnknownTransformationError,
    Winograd,
    all_transformations,
    named,
)
from model_store.runtime.transforms.int8_dense import PIECE_VALUES, multiply
from model_store.runtime.transforms.winograd import KERNEL, convolve, matrices, transform_kernel

# Thresholds at which networks as small as those here are transformed.
SMALL: tuple[Transformation, ...] = (
    MaterialisedBlocks(),
    Winograd(minimum_channels=1, minimum_tiles=1),
    Int8Dense(),
    ShiftedDepthwise(),
)
# Winograd's transforms multiply by up to 8 and add up: some hundred times float32's 6e-8, on outputs around 1.
ROUNDING = 1e-4


class Network(nn.Module):
    """What networks are made of: a stem, blocks with and without a stride, grouped convolutions and dense layers."""

    @nn.compact
    def __call__(self, x: Float[Array, "batch height width 3"]) -> Float[Array, " batch"]:
        x = nn.relu(nn.Conv(8, (7, 7), strides=2, padding=3, name="stem")(x))
        x = Bottleneck(8, 1, project=True, name="block0")(x)
        x = Bottleneck(8, 1, name="block1")(x)
        x = Bottleneck(16, 2, project=True, name="block2")(x)
        x = nn.Conv(32, (3, 3), feature_group_count=2, name="grouped")(x)
        x = nn.Conv(32, (3, 3), feature_group_count=32, name="depthwise")(x)
        x = nn.relu(nn.Dense(256, name="wide")(x.reshape(x.shape[0], -1)))
        return nn.sigmoid(nn.Dense(1, name="last")(x))[:, 0]


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).uniform(size=(3, 29, 29, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def stored(images: np.ndarray) -> dict[str, np.ndarray]:
    """Parameters with one dense kernel as int8, as compact storage has the large ones."""
    params = Network().init(jax.random.key(0), images)["params"]
    random = np.random.default_rng(1)
    flat = {
        path: np.asarray(leaf) if leaf.ndim > 1 else random.normal(size=leaf.shape).astype(np.float32) / 10
        for path, leaf in flatten(params)
    }
    kernel = flat.pop("wide/kernel")
    scale = np.abs(kernel).max(axis=0) / 127
    return flat | {"wide/kernel": np.rint(kernel / scale).astype(np.int8), "wide/kernel.scale": scale}


def shapes(tensors: dict[str, np.ndarray]) -> dict[str, jax.ShapeDtypeStruct]:
    return {path: jax.ShapeDtypeStruct(value.shape, value.dtype) for path, value in tensors.items()}


def transformed_params(
    transformations: Sequence[Transformation], stored: dict[str, np.ndarray], images: np.ndarray
) -> tuple[TransformedNetwork, dict[str, Array]]:
    network = TransformedNetwork(Network(), tuple(transformations))
    preparation = network.preparation(shapes(stored), jax.ShapeDtypeStruct(images.shape, images.dtype))
    kept = preparation.used_as_stored(shapes(stored))
    return network, {path: jnp.array(stored[path]) for path in kept} | jax.jit(preparation)(stored)


@pytest.fixture(scope="module")
def plain_scores(stored: dict[str, np.ndarray], images: np.ndarray) -> np.ndarray:
    return np.asarray(jax.jit(Network().apply)({"params": unflatten(widen(jax.device_put(stored)))}, images))


def choices() -> list[tuple[Transformation, ...]]:
    """None, each alone, all but each, all."""
    counts = (0, 1, len(SMALL) - 1, len(SMALL))
    return [choice for count in counts for choice in combinations(SMALL, count)]


@pytest.mark.parametrize("choice", choices(), ids=lambda choice: "+".join(each.name for each in choice) or "none")
def test_any_choice_of_transformations_gives_the_plain_scores(
    stored: dict[str, np.ndarray],
    images: np.ndarray,
    plain_scores: np.ndarray,
    choice: tuple[Transformation, ...],
) -> None:
    network, params = transformed_params(choice, stored, images)

    scores = jax.jit(network.apply)({"params": unflatten(params)}, images)

    np.testing.assert_allclose(scores, plain_scores, rtol=0, atol=ROUNDING)
    assert np.ptp(plain_scores) > 10 * ROUNDING, "scores that are all alike would prove nothing"


def test_only_plain_convolutions_of_3_by_3_are_transformed(stored: dict[str, np.ndarray], images: np.ndarray) -> None:
    _, params = transformed_params(SMALL, stored, images)

    transformed = {path for path in params if path.endswith(f"/{KERNEL}")}
    assert transformed == {f"block0/conv2/{KERNEL}", f"block1/conv2/{KERNEL}"}
    assert params.keys() == {
        path.replace("conv2/kernel", f"conv2/{KERNEL}") if path.startswith(("block0", "block1")) else path
        for path in stored
    }
    assert params["wide/kernel"].dtype == np.int8


def test_without_transformations_parameters_are_only_widened(stored: dict[str, np.ndarray], images: np.ndarray) -> None:
    _, params = transformed_params((), stored, images)

    expected = widen(jax.device_put(stored))
    assert params.keys() == expected.keys()
    for path, value in params.items():
        np.testing.assert_array_equal(value, expected[path])


def test_small_pictures_and_few_channels_are_left_alone(stored: dict[str, np.ndarray], images: np.ndarray) -> None:
    for careful in (Winograd(minimum_channels=9, minimum_tiles=1), Winograd(minimum_channels=1, minimum_tiles=100)):
        _, params = transformed_params((careful,), stored, images)
        assert not any(path.endswith(KERNEL) for path in params)


@pytest.mark.parametrize("tile", [2, 3, 4])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 8), (12, 12), (15, 13)])
def test_winograd_is_the_convolution(tile: int, height: int, width: int) -> None:
    random = np.random.default_rng(tile)
    x = random.normal(size=(2, height, width, 5)).astype(np.float32)
    kernel = random.normal(size=(3, 3, 5, 7)).astype(np.float32) / 7

    actual = convolve(jnp.array(x), transform_kernel(jnp.array(kernel), tile))

    order = ("NHWC", "HWIO", "NHWC")
    expected = jax.lax.conv_general_dilated(jnp.array(x), jnp.array(kernel), (1, 1), "SAME", dimension_numbers=order)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("tile", [2, 3, 4])
def test_winograd_matrices_multiply_polynomials(tile: int) -> None:
    b, g, a = matrices(tile)
    random = np.random.default_rng(0)
    d, kernel = random.normal(size=tile + 2), random.normal(size=3)

    outputs = a @ ((g @ kernel) * (b @ d))

    np.testing.assert_allclose(outputs, [d[i : i + 3] @ kernel for i in range(tile)], atol=1e-12)


@pytest.mark.parametrize("inputs", [1, 7, 2 * PIECE_VALUES // 4096, 2 * PIECE_VALUES // 4096 + 5])
def test_a_product_with_integers_is_exact_in_pieces(inputs: int) -> None:
    random = np.random.default_rng(inputs)
    kernel = random.integers(-127, 128, (inputs, 4096), dtype=np.int8)
    x = random.integers(-8, 9, (2, inputs)).astype(np.float32)

    actual = jax.jit(multiply)(x, kernel)

    np.testing.assert_array_equal(actual, x @ kernel.astype(np.float32))


@pytest.mark.parametrize("inputs", [7, 2 * PIECE_VALUES // 4096 + 5])
def test_its_gradient_is_exact_in_pieces(inputs: int) -> None:
    random = np.random.default_rng(inputs)
    kernel = random.integers(-127, 128, (inputs, 4096), dtype=np.int8)
    x, weights = (random.integers(-8, 9, (2, width)).astype(np.float32) for width in (inputs, 4096))

    actual = jax.jit(jax.grad(lambda x: (multiply(x, kernel) * weights).sum()))(x)

    np.testing.assert_array_equal(actual, weights @ kernel.T.astype(np.float32))


def test_compact_storage_is_what_int8_dense_looks_for() -> None:
    kernel = np.random.default_rng(0).normal(size=(2000, 2000)).astype(np.float32)
    layer = {path.rpartition("/")[2]: value for path, value in compact({"fc/kernel": kernel}).items()}

    assert Int8Dense().plan(None, shapes(layer))
    assert Int8Dense().plan(None, shapes({"kernel": kernel})) is None


def test_a_block_is_computed_once_however_many_follow() -> None:
    class Chain(nn.Module):
        @nn.compact
        def __call__(self, x: Array) -> Array:
            for _ in range(8):
                x = Bottleneck(4)(x)
            return x

    x = jnp.zeros((1, 8, 8, 16))
    params = Chain().init(jax.random.key(0), x)

    def most_operands(network: nn.Module | TransformedNetwork) -> int:
        text = jax.jit(network.apply).lower(params, x).compile().as_text() or ""
        return max(
            line.split("fusion(")[1].split(")")[0].count("%") for line in text.splitlines() if " fusion(" in line
        )

    assert most_operands(TransformedNetwork(Chain(), (MaterialisedBlocks(),))) < most_operands(Chain())


def test_transformations_are_turned_on_and_off_by_name() -> None:
    names = [transformation.name for transformation in all_transformations()]
    assert {transformation.name for transformation in SMALL} == set(names)
    assert named({}) == all_transformations()
    assert named({SWITCH: ""}) == ()
    for name in names:
        assert [transformation.name for transformation in named({SWITCH: f" {name} "})] == [name]
    with pytest.raises(UnknownTransformationError, match="names magic; transformations are materialised-blocks, winog"):
        named({SWITCH: "magic,winograd"})
