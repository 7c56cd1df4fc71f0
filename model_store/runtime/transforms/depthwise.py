"""Depthwise convolutions as sums of shifted pictures, each times its own weight a channel.

XLA's CPU compiler hands grouped convolutions to libraries that go through them group by group: with one channel a group
that was nine tenths of EfficientNet-Lite's time (jaxlib 0.12.0.1). Written as a sum it becomes one loop over the
channels, which are innermost, and is fused with bias and activation.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from model_store.runtime.transforms.layers import Convolution, LayerPlan


@dataclass(frozen=True)
class ShiftedDepthwise:
    """Convolutions with one input channel a group, padded as TensorFlow's `SAME`; their parameters stay as they are."""

    name: str = "shifted-depthwise"

    def plan(self, use: Convolution | None, stored: Mapping[str, jax.ShapeDtypeStruct]) -> LayerPlan | None:
        """Leaves tensors as they are."""
        return None

    def computes(self, layer: nn.Module) -> bool:
        """Depthwise convolutions with one output a channel and without dilation."""
        return (
            isinstance(layer, nn.Conv)
            and layer.feature_group_count == layer.features > 1
            and layer.padding == "SAME"
            and layer.kernel_dilation in (None, 1, (1, 1))
            and layer.get_variable("params", "kernel").shape[2] == 1
        )

    def apply(
        self, layer: nn.Module, plain: Callable[..., Any], *inputs: Float[Array, "batch height width channels"]
    ) -> Float[Array, "batch h w channels"]:
        """The convolution with its bias."""
        (x,) = inputs
        if layer.is_initializing():
            return jnp.asarray(plain(x))
        stride = getattr(layer, "strides", None) or 1
        convolved = convolve_depthwise(x, layer.get_variable("params", "kernel"), stride)
        biased: Array = convolved + layer.get_variable("params", "bias")
        return biased


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def convolve_depthwise(
    x: Float[Array, "batch height width channels"], kernel: Float[Array, "side side 1 channels"], stride: int
) -> Float[Array, "batch h w channels"]:
    """A convolution of each channel by itself; its gradient is written as shifted pictures too.

    Args:
        x: pictures, which zeros are put around as TensorFlow's `SAME` does: more of them below and on the right.
        kernel: weights.
        stride: in pixels, the same for rows and columns.
    """
    side, padding = kernel.shape[0], _padding(x.shape, kernel.shape[0], stride)
    padded = jnp.pad(x, ((0, 0), *padding, (0, 0)))
    shifted = [shift * kernel[row, column, 0] for (row, column), shift in _shifts(padded, side, stride)]
    return sum(shifted[1:], start=shifted[0])


def _padding(shape: Sequence[int], side: int, stride: int) -> list[tuple[int, int]]:
    """Zeros before and behind, of rows and of columns."""
    lacking = [max((-(-length // stride) - 1) * stride + side - length, 0) for length in shape[1:3]]
    return [(zeros // 2, zeros - zeros // 2) for zeros in lacking]


def _shifts(padded: Array, side: int, stride: int) -> Iterator[tuple[tuple[int, int], Array]]:
    """What each weight of a kernel is multiplied with, by the weight's row and column."""
    down, across = ((length - side) // stride * stride + 1 for length in padded.shape[1:3])
    for row, column in product(range(side), repeat=2):
        yield (row, column), padded[:, row : row + down : stride, column : column + across : stride]


def _forwards(x: Array, kernel: Array, stride: int) -> tuple[Array, tuple[Array, Array]]:
    return convolve_depthwise(x, kernel, stride), (x, kernel)


def _backwards(stride: int, kept: tuple[Array, Array], gradient: Array) -> tuple[Array, Array]:
    """Barriers keep XLA from computing the pictures again for every shift."""
    x, kernel = kept
    side, padding = kernel.shape[0], _padding(x.shape, kernel.shape[0], stride)
    padded, gradient = jax.lax.optimization_barrier((jnp.pad(x, ((0, 0), *padding, (0, 0))), gradient))
    sums = [(shift * gradient).sum(axis=(0, 1, 2)) for _, shift in _shifts(padded, side, stride)]
    around = [
        (side - 1 - before, length - 1 + before - (count - 1) * stride, stride - 1)
        for (before, _), length, count in zip(padding, x.shape[1:3], gradient.shape[1:3], strict=True)
    ]
    spaced = jax.lax.pad(gradient, jnp.zeros((), gradient.dtype), ((0, 0, 0), *around, (0, 0, 0)))
    shifts = _shifts(jax.lax.optimization_barrier(spaced), side, 1)
    terms = [shift * kernel[side - 1 - row, side - 1 - column, 0] for (row, column), shift in shifts]
    by_picture = jax.lax.optimization_barrier(sum(terms[1:], start=terms[0]))
    return by_picture, jnp.stack(sums).reshape(kernel.shape)


convolve_depthwise.defvjp(_forwards, _backwards)
