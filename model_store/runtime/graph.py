"""The functions a model is served with: stored tensors → parameters, then parameters and images → scores.

They are two, so that what depends on the parameters alone is computed once a process. A network that heads can be
trained on has a third, which gives its features beside its scores, and one that marks what Grad-CAM explains has one
that gives maps; heads themselves read features in place of images.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import jax
import numpy as np
from jaxtyping import Array, Float, UInt8

from model_store.heatmaps.gradcam import gradcam
from model_store.heatmaps.references import reference_features
from model_store.models import registry
from model_store.models.checkpoints import unflatten
from model_store.models.heads.names import projection_name
from model_store.models.pooling import score_and_features
from model_store.models.taps import taps
from model_store.runtime.executables import COMPILER_OPTIONS
from model_store.runtime.transforms import Preparation, Transformation, TransformedNetwork, named
from model_store.store import Manifest

Shapes = Mapping[str, jax.ShapeDtypeStruct]
FlatParams = Mapping[str, Array]
Images = UInt8[Array, "batch height width 3"]
ScoreAndMaps = Callable[[FlatParams, Images], tuple[Float[Array, " batch"], Float[Array, "batch size size"]]]


@dataclass(frozen=True)
class ServingGraph:
    """Traceable functions of one model.

    Attributes:
        prepare: stored tensors by path → parameters by path, those that are not stored as they are used.
        used_as_stored: shapes of stored tensors → paths of those that are parameters as they lie in the file's map.
        score: (parameters, images) → scores between 0 and 1; of heads (parameters, features of each trunk) → scores of
            each head.
        features: (parameters, images) → scores and features; None where no heads can be trained on the network.
        gradcam: parameters → a traceable function (parameters, images) → scores and Grad-CAM maps, which compares with
            features of these very parameters; computes forward passes for it. None for heads.
    """

    prepare: Callable[[FlatParams], FlatParams]
    used_as_stored: Callable[[Shapes], Sequence[str]]
    score: Callable[..., Float[Array, "batch *heads"]]
    features: Callable[[FlatParams, Images], tuple[Float[Array, " batch"], Float[Array, "batch features"]]] | None
    gradcam: Callable[[FlatParams], ScoreAndMaps] | None

    def parameters(self, stored: Mapping[str, np.ndarray]) -> FlatParams:
        """What the functions take as parameters, computed from stored tensors by path."""
        tensors = jax.device_put(dict(stored))
        prepared = jax.jit(self.prepare, compiler_options=COMPILER_OPTIONS)(tensors)
        return {path: tensors[path] for path in self.used_as_stored(shapes_of(stored))} | dict(prepared)


def serving_graph(manifest: Manifest, transformations: Sequence[Transformation] | None = None) -> ServingGraph:
    """The graph of a model: its plain Flax module, transformed.

    Args:
        manifest: of the model.
        transformations: by default those that `MEMORABILITY_TRANSFORMATIONS` leaves on.
    """
    network = served_network(manifest, transformations)
    tapped = taps(manifest.architecture, manifest.architecture_settings)

    def preparation(stored: FlatParams | Shapes) -> Preparation:
        shapes = shapes_of(stored)
        return network.preparation(shapes, *input_shapes(manifest, shapes, batch=1))

    def prepare(stored: FlatParams) -> FlatParams:
        return preparation(stored)(stored)

    def used_as_stored(stored: Shapes) -> Sequence[str]:
        return preparation(stored).used_as_stored(stored)

    def score(params: FlatParams, *inputs: Array) -> Float[Array, "batch *heads"]:
        return cast("Array", network.apply({"params": unflatten(params)}, *inputs))

    def features(params: FlatParams, images: Images) -> tuple[Float[Array, " batch"], Float[Array, "batch features"]]:
        return score_and_features(network, unflatten(params), tapped, images)

    def explainer(params: FlatParams) -> ScoreAndMaps:
        references = reference_features(network, unflatten(params), manifest.preprocessing.crop)
        return lambda params, images: gradcam(network, unflatten(params), images, references)

    return ServingGraph(
        prepare,
        used_as_stored,
        score,
        features=features if tapped else None,
        gradcam=None if manifest.trunks else explainer,
    )


def served_network(manifest: Manifest, transformations: Sequence[Transformation] | None = None) -> TransformedNetwork:
    """What applies to the parameters of a loaded model as its plain module does to plain ones."""
    module = registry.build(manifest.architecture, manifest.architecture_settings)
    return TransformedNetwork(module, tuple(named() if transformations is None else transformations))


def shapes_of(tensors: Mapping[str, np.ndarray] | FlatParams | Shapes) -> Shapes:
    """Shapes and dtypes of tensors, without their values."""
    return {path: jax.ShapeDtypeStruct(value.shape, value.dtype) for path, value in tensors.items()}


def image_shape(manifest: Manifest, batch: int) -> jax.ShapeDtypeStruct:
    """Shape and dtype of a batch of preprocessed images."""
    crop = manifest.preprocessing.crop
    return jax.ShapeDtypeStruct((batch, crop, crop, 3), np.uint8)


def input_shapes(manifest: Manifest, stored: Shapes, batch: int) -> list[jax.ShapeDtypeStruct]:
    """Shapes and dtypes of what a model scores: a batch of images, or the features of its trunks."""
    if not manifest.trunks:
        return [image_shape(manifest, batch)]
    widths = [stored[f"{projection_name(trunk)}/kernel"].shape[0] for trunk in range(len(manifest.trunks))]
    return [jax.ShapeDtypeStruct((batch, width), np.float32) for width in widths]
