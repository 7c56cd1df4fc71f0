"""Signed Grad-CAM in one pass: what each place of the last features adds to the score, to first order.

Selvaraju et al. 2017, "Grad-CAM", https://arxiv.org/abs/1610.02391. Three things differ from the paper:

- There is no ReLU: what lowers the score is shown too.
- A feature is multiplied by its own gradient, not by the gradient's mean over the picture. Behind a pooled trunk, where
  every place has the same gradient, that is the paper's map exactly. The branch is read place by place, and averaging
  would credit features to places that the head does not read them at (Draelos and Carin 2020, "HiResCAM",
  https://arxiv.org/abs/2011.08891).
- A network's branches are added up. Each map is the contribution of its places to the score in the score's own unit,
  and first-order contributions of two branches to one score add. Before that, each is interpolated between the centres
  of what its features see of the picture.

The pass backwards ends at the features: it costs the head and nothing of the trunk.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8

from model_store.errors import MemorabilityError
from model_store.heatmaps.networks import Module, Params
from model_store.models.checkpoints import flatten
from model_store.models.layers import FEATURES, PERTURBATIONS


class NoFeaturesError(MemorabilityError):
    """A network that marks no features for Grad-CAM."""


@dataclass(frozen=True)
class Grid:
    """Where features lie in the picture: the centre of the first one's receptive field, and the step to the next.

    Both follow from the kernels, strides and paddings in front of them (Araujo et al. 2019, "Computing Receptive Fields
    of Convolutional Neural Networks", https://distill.pub/2019/computing-receptive-fields), in pixels.
    """

    first: float
    step: float


# By the names that networks give to `model_store.models.layers.explained`.
GRIDS: Mapping[str, Grid] = {"stage4_features": Grid(0, 32), "conv5_features": Grid(17, 16)}


def gradcam(
    module: Module, params: Params, images: UInt8[Array, "batch size size 3"] | Float[Array, "batch size size 3"]
) -> tuple[Float[Array, " batch"], Float[Array, "batch size size"]]:
    """Scores and signed maps, as densities: the mean of a map is about the features' part in the score; traceable.

    Raises:
        NoFeaturesError: the network marks no features.
    """
    scores, coarse = contributions(module, params, images)
    size = images.shape[1]
    maps = sum(spread(_grid(name, values.shape[1], size), values, size) for name, values in coarse.items())
    return scores, jnp.asarray(maps)


def contributions(
    module: Module, params: Params, images: UInt8[Array, "batch size size 3"] | Float[Array, "batch size size 3"]
) -> tuple[Float[Array, " batch"], dict[str, Float[Array, "batch rows columns"]]]:
    """Scores, and by the name of each marked feature map what its places contribute; traceable.

    Raises:
        NoFeaturesError: the network marks no features.
    """
    variables = {"params": params}

    def perturbations() -> Any:
        return module.apply(variables, images, mutable=[PERTURBATIONS])[1].get(PERTURBATIONS)

    shapes = jax.eval_shape(perturbations)
    if not shapes:
        raise NoFeaturesError(
            f"{type(module).__name__} marks no features that Grad-CAM could explain: take another method"
        )

    def total(zeros: Any) -> Any:
        scores, state = module.apply(variables | {PERTURBATIONS: zeros}, images, mutable=[FEATURES])
        return scores.sum(), (scores, state[FEATURES])

    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    gradients, (scores, features) = jax.grad(total, has_aux=True)(zeros)
    products = jax.tree.map(lambda gradient, feature: (gradient * feature).sum(axis=-1), gradients, features)
    return scores, {path.rpartition("/")[2]: _to_grid(values) for path, values in flatten(products)}


def _to_grid(values: Float[Array, "batch ..."]) -> Float[Array, "batch rows columns"]:
    """Places of features; of tokens, the patches' behind the one of the class.

    Networks mark tokens behind the last block's normalisation: before it, a token times its gradient sums to nothing,
    because normalisation does not heed a token's length.
    """
    if values.ndim == 3:
        return values
    side = round((values.shape[1] - 1) ** 0.5)
    return values[:, 1:].reshape(-1, side, side)


def _grid(name: str, count: int, size: int) -> Grid:
    """Where features lie; what is not in `GRIDS` are tokens, whose patches tile the picture."""
    return GRIDS.get(name, Grid((size / count - 1) / 2, size / count))


def spread(grid: Grid, values: Float[Array, "batch rows columns"], size: int) -> Float[Array, "batch size size"]:
    """Interpolates contributions of cells to densities: contributions per area, the whole picture's being 1."""
    rows, columns = (jnp.asarray(_interpolation(grid, count, size)) for count in values.shape[1:])
    spread: Array = jnp.einsum("yr,brc,xc->byx", rows, values, columns)
    return spread * (size / grid.step) ** 2


@cache
def _interpolation(grid: Grid, count: int, size: int) -> Float[np.ndarray, "size count"]:
    """Weights of each feature at each pixel: linear between two centres, constant beyond the outermost."""
    positions = np.clip((np.arange(size) - grid.first) / grid.step, 0, count - 1)
    weights: np.ndarray = np.maximum(0, 1 - np.abs(positions[:, None] - np.arange(count)))
    return weights.astype(np.float32)
