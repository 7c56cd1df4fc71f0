"""Convolutions of 3×3 pixels with fewer multiplications (Winograd's minimal filtering).

Lavin and Gray 2015, "Fast Algorithms for Convolutional Neural Networks" (arXiv 1509.09308): F(m×m, 3×3) computes
m×m outputs of one channel by (m+2)² multiplications where the definition takes 9·m². All tiles of a picture together
are (m+2)² matrix products, tiles by input channels times input channels by output channels.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from model_store.runtime.transforms.layers import Convolution, LayerPlan, Leaves

KERNEL = "winograd"
# Points at which the polynomials are evaluated, beside infinity: the smaller they are, the smaller the rounding errors.
POINTS = (0, 1, -1, 2, -2)

type Matrix = Float[np.ndarray, "rows columns"]


@dataclass(frozen=True)
class Winograd:
    """Stride-1 convolutions of 3×3 pixels as batched matrix products.

    Attributes:
        tile: m of F(m×m, 3×3): outputs on each side of a tile. More save multiplications, and cost memory for the
            kernels, (m+2)²/9 times the plain ones, and precision.
        minimum_channels: fewer of them are not worth the transforms of pictures.
        minimum_tiles: fewer rows make the products inefficient: memory is waited for.
    """

    tile: int = 3
    minimum_channels: int = 64
    minimum_tiles: int = 16
    name: str = "winograd"

    def plan(self, use: Convolution | None, stored: Mapping[str, jax.ShapeDtypeStruct]) -> LayerPlan | None:
        """Takes plain convolutions of 3×3 pixels on pictures that are large enough."""
        if use is None or not use.plain_3_by_3:
            return None
        tiles = -(-use.height // self.tile) * -(-use.width // self.tile)
        if min(stored["kernel"].shape[2:]) < self.minimum_channels or tiles < self.minimum_tiles:
            return None
        return LayerPlan(self._prepare, consumes=frozenset({"kernel"}))

    def _prepare(self, stored: Leaves) -> dict[str, Array]:
        return {KERNEL: transform_kernel(stored["kernel"].astype(jnp.float32), self.tile)}

    def computes(self, layer: nn.Module) -> bool:
        """Convolutions that have a transformed kernel."""
        return isinstance(layer, nn.Conv) and layer.has_variable("params", KERNEL)

    def apply(
        self, layer: nn.Module, plain: Callable[..., Any], *inputs: Float[Array, "batch height width channels"]
    ) -> Float[Array, "batch height width features"]:
        """The convolution with its bias."""
        (x,) = inputs
        biased: Array = convolve(x, layer.get_variable("params", KERNEL)) + layer.get_variable("params", "bias")
        return biased


@cache
def matrices(tile: int) -> tuple[Matrix, Matrix, Matrix]:
    """Bᵀ, G and Aᵀ of F(tile, 3), for which y = Aᵀ[(G g) ⊙ (Bᵀ d)] (equation 5 of the paper).

    By the Toom-Cook construction on `POINTS`: rows of Bᵀ are the Lagrange basis' numerators, G divides by what they
    are at their own point. The last row belongs to the point at infinity.
    """
    points = [float(point) for point in POINTS[: tile + 1]]
    others = [[q for q in points if q != p] for p in points]
    input_rows = [np.append(np.poly(rest)[::-1], 0) for rest in others] + [np.poly(points)[::-1]]
    kernel_rows = [
        [p**power / prod(p - q for q in rest) for power in range(3)] for p, rest in zip(points, others, strict=True)
    ]
    output_rows = [[p**power for p in points] + [float(power == tile - 1)] for power in range(tile)]
    return np.array(input_rows), np.array([*kernel_rows, [0, 0, 1]]), np.array(output_rows)


def transform_kernel(
    kernel: Float[Array, "3 3 channels features"], tile: int
) -> Float[Array, "products channels features"]:
    """G g Gᵀ, one matrix for each of the (tile + 2)² products; as one product, so that nothing lies in between."""
    _, g, _ = matrices(tile)
    both = jnp.asarray(np.kron(g, g), jnp.float32)
    return (both @ kernel.reshape(9, -1)).reshape(-1, *kernel.shape[2:])


def convolve(
    x: Float[Array, "batch height width channels"], kernel: Float[Array, "products channels features"]
) -> Float[Array, "batch height width features"]:
    """A stride-1 convolution of 3×3 pixels, its input padded with zeros to an output of the same size.

    Args:
        x: pictures.
        kernel: as `transform_kernel` gives it.
    """
    tile = round(kernel.shape[0] ** 0.5) - 2
    batch, height, width, _ = x.shape
    down, across = -(-height // tile), -(-width // tile)
    tiles = _transform_input(x, tile, down, across)
    products = jnp.einsum("ptc,pcf->ptf", tiles.reshape(len(kernel), -1, x.shape[-1]), kernel)
    outputs = _transform_output(products.reshape(tile + 2, tile + 2, batch, down, across, -1), tile)
    in_place = outputs.transpose(2, 3, 0, 4, 1, 5).reshape(batch, down * tile, across * tile, -1)
    return in_place[:, :height, :width]


def _transform_input(
    x: Float[Array, "batch height width channels"], tile: int, down: int, across: int
) -> Float[Array, "side side batch down across channels"]:
    """Bᵀ d B of every tile d, first along columns, then along rows."""
    b, _, _ = matrices(tile)
    _, height, width, _ = x.shape
    x = jnp.pad(x, ((0, 0), (1, 1 + down * tile - height), (1, 1 + across * tile - width), (0, 0)))
    rows = [_every(x, first, tile, down, axis=1) for first in range(tile + 2)]
    half = jnp.stack([_combine(row, rows) for row in b])
    columns = [_every(half, first, tile, across, axis=3) for first in range(tile + 2)]
    return jnp.stack([_combine(row, columns) for row in b], axis=1)


def _transform_output(
    products: Float[Array, "side side batch down across features"], tile: int
) -> Float[Array, "tile tile batch down across features"]:
    """Aᵀ m A of every tile's products m."""
    _, _, a = matrices(tile)
    rows = [_combine(row, jnp.unstack(products)) for row in a]
    return jnp.stack([jnp.stack([_combine(column, jnp.unstack(row)) for column in a]) for row in rows])


def _every(x: Array, first: int, step: int, count: int, axis: int) -> Array:
    return jax.lax.slice_in_dim(x, first, first + step * (count - 1) + 1, step, axis)


def _combine(coefficients: Float[np.ndarray, " terms"], terms: Sequence[Array]) -> Array:
    """The sum of terms times coefficients, written out: zeros and ones cost nothing."""
    weighted = [
        term if coefficient == 1 else term * np.float32(coefficient)
        for coefficient, term in zip(coefficients, terms, strict=True)
        if coefficient
    ]
    return sum(weighted[1:], start=weighted[0])
