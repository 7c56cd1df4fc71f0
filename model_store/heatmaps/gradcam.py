"""Signed Grad-CAM along a path: what each place of the last features adds to the score over one that shows nothing.

Selvaraju et al. 2017, "Grad-CAM", https://arxiv.org/abs/1610.02391. Four things differ from the paper:

- There is no ReLU: what lowers the score is shown too.
- A feature is multiplied by its own gradient, not by the gradient's mean over the picture. Behind a pooled trunk, where
  every place has the same gradient, that is the same. The branch is read place by place, and averaging would credit
  features to places that the head does not read them at (Draelos and Carin 2020, "HiResCAM",
  https://arxiv.org/abs/2011.08891).
- Features count by how they differ from the same place's in pictures that show nothing, which `references` tells, and
  the gradient is the mean over the straight way between the two: integrated gradients in the space of features
  (Sattarzadeh et al. 2021, "Integrated Grad-CAM", https://arxiv.org/abs/2102.07805). A gradient at the photo alone says
  little about deep heads: docs/heatmaps.md tells how much more faithful maps became.
- A network's branches are added up. Each map is the contribution of its places to the score in the score's own unit,
  and those of two branches to one score add. Before that, each is interpolated between the centres of what its features
  see of the picture.

The trunk runs once, forward. What runs for every step of the way, forwards and backwards, is the head alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8

from model_store.errors import MemorabilityError
from model_store.heatmaps.modules import Features, Module, Params
from model_store.models.checkpoints import flatten
from model_store.models.layers import FEATURES, PERTURBATIONS

STEPS = 2
_MIDPOINTS = tuple((step + 0.5) / STEPS for step in range(STEPS))


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
GRIDS: Mapping[str, Grid] = {
    "stage4_features": Grid(0, 32),
    "conv5_features": Grid(17, 16),
    # TensorFlow's padding puts nothing above and on the left of an even picture: strides of 2 begin at pixel 1.
    "lite_stage3": Grid(7, 8),
    **dict.fromkeys(("lite_stage4", "lite_stage5"), Grid(15, 16)),
    **dict.fromkeys(("lite_stage6", "lite_stage7", "lite_top"), Grid(31, 32)),
}


type Images = UInt8[Array, "batch size size 3"] | Float[Array, "batch size size 3"]


def gradcam(
    module: Module, params: Params, images: Images, references: Features
) -> tuple[Float[Array, " batch"], Float[Array, "batch size size"]]:
    """Scores and signed maps, as densities: a map's mean is about the score less that of the references; traceable.

    Args:
        module: the network.
        params: its parameters.
        images: what is explained.
        references: `reference_features` of the network.

    Raises:
        NoFeaturesError: the network marks no features.
    """
    scores, coarse = contributions(module, params, images, references, _MIDPOINTS)
    size = images.shape[1]
    maps = sum(spread(_grid(name, values.shape[1], size), values, size) for name, values in coarse.items())
    return scores, jnp.asarray(maps)


def contributions(
    module: Module,
    params: Params,
    images: Images,
    references: Features | None = None,
    positions: Sequence[float] = (1.0,),
) -> tuple[Float[Array, " batch"], dict[str, Float[Array, "batch rows columns"]]]:
    """Scores, and by the name of each marked feature map what its places contribute; traceable.

    Args:
        module: the network.
        params: its parameters.
        images: what is explained.
        references: features that they are compared with, without a batch axis; None compares with none at all, which,
            with the gradient of the photo alone, is Grad-CAM as it was published, signed and place by place.
        positions: where on the way from 0, the reference, to 1, the photo, gradients are taken.

    Raises:
        NoFeaturesError: the network marks no features.
    """
    variables = {"params": params}
    scores, features = scores_and_features(module, params, images)
    ways = features if references is None else jax.tree.map(jnp.subtract, features, references)

    def gradients(position: Array) -> Features:
        # The features' perturbation is what they lack on the way; what lies before them is computed once for all.
        lacking = jax.tree.map(lambda way: (position - 1) * way, ways)
        return jax.grad(lambda moved: module.apply(variables | {PERTURBATIONS: moved}, images).sum())(lacking)

    means = jax.tree.map(lambda leaf: leaf.mean(axis=0), jax.vmap(gradients)(jnp.asarray(positions)))
    products = jax.tree.map(lambda mean, way: (mean * way).sum(axis=-1), means, ways)
    return scores, {path.rpartition("/")[2]: _to_grid(values) for path, values in flatten(products)}


def scores_and_features(module: Module, params: Params, images: Images) -> tuple[Float[Array, " batch"], Features]:
    """Scores, and what the network marks; traceable.

    Raises:
        NoFeaturesError: the network marks no features.
    """
    scores, state = module.apply({"params": params}, images, mutable=[FEATURES])
    if not state.get(FEATURES):
        raise NoFeaturesError(
            f"{type(module).__name__} marks no features that Grad-CAM could explain: take another method"
        )
    return scores, state[FEATURES]


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
