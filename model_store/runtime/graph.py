"""The functions a model is served with: stored tensors → parameters, then parameters and images → scores.

They are two, so that what depends on the parameters alone is computed once a process.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import jax
import numpy as np
from jaxtyping import Array, Float, UInt8

from model_store.models import registry
from model_store.models.checkpoints import unflatten
from model_store.models.precision import widen
from model_store.store import Manifest

Shapes = Mapping[str, jax.ShapeDtypeStruct]
FlatParams = Mapping[str, Array]


@dataclass(frozen=True)
class ServingGraph:
    """Traceable functions of one model.

    Attributes:
        prepare: stored tensors by path → float32 parameters by path.
        score: (parameters, images) → scores between 0 and 1.
    """

    prepare: Callable[[FlatParams], FlatParams]
    score: Callable[[FlatParams, UInt8[Array, "batch height width 3"]], Float[Array, " batch"]]


def serving_graph(manifest: Manifest) -> ServingGraph:
    """The graph of a model: its plain Flax module behind the widening of its stored tensors."""
    module = registry.build(manifest.architecture, manifest.architecture_settings)

    def score(params: FlatParams, images: UInt8[Array, "batch height width 3"]) -> Float[Array, " batch"]:
        return cast("Array", module.apply({"params": unflatten(params)}, images))

    return ServingGraph(prepare=widen, score=score)


def shapes_of(tensors: Mapping[str, np.ndarray]) -> Shapes:
    """Shapes and dtypes of tensors, without their values."""
    return {path: jax.ShapeDtypeStruct(value.shape, value.dtype) for path, value in tensors.items()}


def image_shape(manifest: Manifest, batch: int) -> jax.ShapeDtypeStruct:
    """Shape and dtype of a batch of preprocessed images."""
    crop = manifest.preprocessing.crop
    return jax.ShapeDtypeStruct((batch, crop, crop, 3), np.uint8)
