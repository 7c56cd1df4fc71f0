"""Depthwise convolutions as sums of shifted pictures are the convolutions that they stand for."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from model_store.runtime.transforms import ShiftedDepthwise, TransformedNetwork
from model_store.runtime.transforms.depthwise import convolve_depthwise

ROUNDING = 1e-5  # of 25 products in float32, on outputs around 1


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("side", [3, 5])
@pytest.mark.parametrize(("height", "width"), [(1, 2), (7, 8), (16, 9)])
def test_it_is_the_convolution(height: int, width: int, side: int, stride: int) -> None:
    random = np.random.default_rng(side)
    x = random.normal(size=(2, height, width, 6)).astype(np.float32)
    kernel = random.normal(size=(side, side, 1, 6)).astype(np.float32) / side

    actual = convolve_depthwise(jnp.array(x), jnp.array(kernel), stride)

    order = ("NHWC", "HWIO", "NHWC")
    expected = jax.lax.conv_general_dilated(
        jnp.array(x), jnp.array(kernel), (stride, stride), "SAME", dimension_numbers=order, feature_group_count=6
    )
    np.testing.assert_allclose(actual, expected, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("side", "height", "width"), [(3, 7, 8), (5, 8, 9), (5, 1, 2)])
def test_its_gradients_are_the_convolutions(side: int, height: int, width: int, stride: int) -> None:
    random = np.random.default_rng(side)
    x = jnp.array(random.normal(size=(2, height, width, 4)), jnp.float32)
    kernel = jnp.array(random.normal(size=(side, side, 1, 4)) / side, jnp.float32)
    order = ("NHWC", "HWIO", "NHWC")

    def plain(x: jax.Array, kernel: jax.Array) -> jax.Array:
        return jax.lax.conv_general_dilated(
            x, kernel, (stride, stride), "SAME", dimension_numbers=order, feature_group_count=4
        )

    weights = jnp.array(random.normal(size=plain(x, kernel).shape), jnp.float32)
    actual = jax.grad(lambda x, kernel: (convolve_depthwise(x, kernel, stride) * weights).sum(), (0, 1))(x, kernel)
    expected = jax.grad(lambda x, kernel: (plain(x, kernel) * weights).sum(), (0, 1))(x, kernel)

    for ours, theirs in zip(actual, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=10 * ROUNDING)


def test_only_depthwise_convolutions_are_computed_so() -> None:
    class Network(nn.Module):
        @nn.compact
        def __call__(self, x: jax.Array) -> jax.Array:
            x = nn.Conv(8, (3, 3), name="plain")(x)
            x = nn.Conv(8, (3, 3), feature_group_count=2, name="grouped")(x)
            x = nn.Conv(8, (5, 5), strides=2, feature_group_count=8, name="depthwise")(x)
            return nn.Conv(16, (3, 3), feature_group_count=8, name="multiplied")(x)

    x = np.random.default_rng(0).normal(size=(1, 9, 9, 4)).astype(np.float32)
    params = Network().init(jax.random.key(0), x)

    def grouped_convolutions(network: nn.Module | TransformedNetwork) -> int:
        return jax.jit(network.apply).lower(params, x).as_text().count("feature_group_count = 8")

    transformed = TransformedNetwork(Network(), (ShiftedDepthwise(),))
    actual, expected = (np.asarray(network.apply(params, x)) for network in (transformed, Network()))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=ROUNDING)
    assert grouped_convolutions(Network()) == 2
    assert grouped_convolutions(transformed) == 1
