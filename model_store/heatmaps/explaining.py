"""Maps of a batch of pictures by one network: the way in to every method."""

from dataclasses import dataclass, field

import jax
import numpy as np
from jaxtyping import Array, Float, UInt8

from model_store.heatmaps.baselines import blurred
from model_store.heatmaps.gradcam import gradcam
from model_store.heatmaps.gradients import PathSettings, integrated_gradients
from model_store.heatmaps.methods import Method
from model_store.heatmaps.networks import Network
from model_store.heatmaps.occlusion import MaskSettings, occlusion
from model_store.heatmaps.programs import run, score


@dataclass(frozen=True)
class Settings:
    """Of the methods that have any."""

    path: PathSettings = field(default_factory=PathSettings)
    masks: MaskSettings = field(default_factory=MaskSettings)


DEFAULT_SETTINGS = Settings()


@dataclass(frozen=True)
class Explanation:
    """Signed maps of a batch in the network's input frame.

    Attributes:
        maps: densities: contributions to the score per area, where the whole frame's area is 1.
        scores: of the photos.
        baseline_scores: of their blurred copies; None from a method that compares with nothing.
        residuals: see `PathIntegral`; None from the other methods.
    """

    maps: Float[np.ndarray, "batch size size"]
    scores: Float[np.ndarray, " batch"]
    baseline_scores: Float[np.ndarray, " batch"] | None = None
    residuals: Float[np.ndarray, " batch"] | None = None


def explain(
    network: Network,
    images: UInt8[np.ndarray, "batch size size 3"],
    method: Method,
    settings: Settings = DEFAULT_SETTINGS,
) -> Explanation:
    """Computes the maps of a batch on JAX's device, in one batch of that size.

    Args:
        network: what is explained.
        images: preprocessed photos, at least one.
        method: see docs/heatmaps.md.
        settings: of the methods.

    Raises:
        NoFeaturesError: Grad-CAM is asked for, and the network marks no features.
        jax.errors.JaxRuntimeError: among others, the device's memory does not suffice: RESOURCE_EXHAUSTED.
    """
    if method is Method.GRADCAM:
        scores, maps = run(gradcam, network, images, network.references)
        return Explanation(np.asarray(maps), np.asarray(scores))
    photos, baselines = photos_and_baselines(images)
    if method is Method.INTEGRATED_GRADIENTS:
        path = integrated_gradients(network, photos, baselines, settings.path)
        return Explanation(path.maps, path.scores, path.baseline_scores, path.residuals)
    occluded = occlusion(network, photos, baselines, settings.masks)
    scores, baseline_scores = (np.asarray(run(score, network, pictures)) for pictures in (photos, baselines))
    return Explanation(occluded, scores, baseline_scores)


def score_images(network: Network, images: UInt8[np.ndarray, "batch size size 3"]) -> Float[np.ndarray, " batch"]:
    """Scores of preprocessed photos, at least one."""
    return np.asarray(run(score, network, images.astype(np.float32) / 255))


def photos_and_baselines(
    images: UInt8[np.ndarray, "batch size size 3"],
) -> tuple[Float[Array, "batch size size 3"], Float[Array, "batch size size 3"]]:
    """Photos in 0..1 on the device, and what they are compared with."""
    photos = jax.device_put(images.astype(np.float32) / 255)
    return photos, _blurred(photos)


_blurred = jax.jit(blurred)
