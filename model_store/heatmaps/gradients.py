"""Integrated gradients: what each pixel adds to the score on the way from a blurred picture to the photo.

Sundararajan et al. 2017, "Axiomatic Attribution for Deep Networks", https://arxiv.org/abs/1703.01365. The map sums to
the difference of the two scores. With samples of noise it is the mean over noisy copies of the photo (Smilkov et al.
2017, "SmoothGrad", https://arxiv.org/abs/1706.03825).

Two things keep a few steps exact where a plain sum misses the difference by more than its size:

- Scores change most where the first contrast appears, so that steps are short there and longer towards the photo.
- Gradients of a deep ReLU network jump from step to step. The scores at both ends of a step come with them: what the
  gradients fail to explain of a step's difference is spread over the pixels in proportion to what they were credited
  with. Of all corrections that close the step it is the least, in the sense of least squares where each pixel's
  variance is in proportion to its credit, and it vanishes as steps get shorter. How much there was to correct is told.

A map is smoothed at its end, which leaves its sum as it is: single pixels' gradients are mostly noise in deep networks
(Balduzzi et al. 2017, "The Shattered Gradients Problem", https://arxiv.org/abs/1702.08591).
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from model_store.heatmaps.modules import Module, Params
from model_store.heatmaps.networks import Network
from model_store.heatmaps.programs import run, score

# The path's position is the step's share of all steps to this power.
SPACING = 3


@dataclass(frozen=True)
class PathSettings:
    """How the path is walked.

    Attributes:
        steps: points of the path at which the gradient is taken, at least 2.
        smooth_samples: noisy copies of the photo that maps are averaged over; 0 takes the photo as it is.
        noise: standard deviation of the noise, where the picture's values run from 0 to 1.
        seed: of the noise.
        smoothing: standard deviation of the Gaussian over which credits are spread, as a share of the picture's side; 0
            leaves every pixel its own. docs/heatmaps.md says what it is worth.
    """

    steps: int = 32
    smooth_samples: int = 0
    noise: float = 0.1
    seed: int = 0
    smoothing: float = 0.075

    def __post_init__(self) -> None:
        """Refuse a path without a second end."""
        if self.steps < 2:
            raise ValueError(f"a path has at least 2 steps, got {self.steps}")


class Walked(NamedTuple):
    """Where a walk along the paths of a batch has come to.

    Attributes:
        scores: at this point.
        credits: of each pixel at this point, its gradient times its way from the baseline to the photo.
        maps: sum of the steps so far.
        residuals: what the gradients alone failed to explain of the score's change so far.
    """

    scores: Float[Array, " batch"]
    credits: Float[Array, "batch size size"]
    maps: Float[Array, "batch size size"]
    residuals: Float[Array, " batch"]


@dataclass(frozen=True)
class PathIntegral:
    """The walk's result.

    Attributes:
        maps: signed densities; the mean of a map is the score of the photo less that of its baseline.
        scores: at the end of the path, of the photo, or of its noisy copies on average.
        baseline_scores: where the path begins.
        residuals: what gradients alone failed to explain of the difference.
    """

    maps: Float[np.ndarray, "batch size size"]
    scores: Float[np.ndarray, " batch"]
    baseline_scores: Float[np.ndarray, " batch"]
    residuals: Float[np.ndarray, " batch"]


def integrated_gradients(
    network: Network,
    images: Float[Array, "batch size size 3"],
    baselines: Float[Array, "batch size size 3"],
    settings: PathSettings,
) -> PathIntegral:
    """Walks from the baselines to the photos; one point at a time, so that memory does not grow with their number.

    Args:
        network: what is explained.
        images: photos, in 0..1.
        baselines: where the paths begin.
        settings: of the path.
    """
    copies = [_noisy(images, settings, sample) for sample in range(settings.smooth_samples)] or [images]
    walks = [_walk(network, copy, baselines, settings.steps) for copy in copies]
    maps, scores, starts, residuals = (np.mean(values, axis=0) for values in zip(*walks, strict=True))
    size = images.shape[1]
    if settings.smoothing:
        weights = _smoothing_matrix(size, settings.smoothing)
        maps = weights @ maps @ weights
    return PathIntegral(maps * np.float32(size**2), scores, starts, residuals)


@cache
def _smoothing_matrix(size: int, smoothing: float) -> Float[np.ndarray, "size size"]:
    """Spreads values to their neighbours; what would leave the picture is reflected, so that sums stay."""
    places = np.arange(size)
    images = np.stack([places, -1 - places, 2 * size - 1 - places])
    distances = places[:, None, None] - images
    kernel = np.exp(-0.5 * (distances / (smoothing * size)) ** 2).sum(axis=1)
    weights: np.ndarray = (kernel / kernel.sum(axis=0)).astype(np.float32)
    return weights


def _walk(network: Network, images: Array, baselines: Array, steps: int) -> tuple[np.ndarray, ...]:
    walked: Walked = run(_begin, network, images, baselines)
    start = walked.scores
    positions = np.linspace(0, 1, steps, dtype=np.float32) ** SPACING
    for before, here in pairwise(positions):
        walked = run(_take_step, network, images, baselines, here, here - before, walked)
    return tuple(map(np.asarray, (walked.maps, walked.scores, start, walked.residuals)))


def _begin(module: Module, params: Params, images: Array, baselines: Array) -> Walked:
    scores, credits = _credit(module, params, images, baselines, jnp.float32(0))
    return Walked(scores, credits, jnp.zeros_like(credits), jnp.zeros_like(scores))


def _take_step(
    module: Module, params: Params, images: Array, baselines: Array, position: Array, length: Array, walked: Walked
) -> Walked:
    scores, credits = _credit(module, params, images, baselines, position)
    added = (walked.credits + credits) * length / 2
    missing = scores - walked.scores - added.sum(axis=(1, 2))
    weights = jnp.abs(added)
    shares = weights / jnp.maximum(weights.sum(axis=(1, 2), keepdims=True), np.finfo(np.float32).tiny)
    maps = walked.maps + added + missing[:, None, None] * shares
    return Walked(scores, credits, maps, walked.residuals + missing)


def _credit(
    module: Module, params: Params, images: Array, baselines: Array, position: Array
) -> tuple[Float[Array, " batch"], Float[Array, "batch size size"]]:
    way = images - baselines

    def total(pictures: Array) -> tuple[Array, Array]:
        scores = score(module, params, pictures)
        return scores.sum(), scores

    gradients, scores = jax.grad(total, has_aux=True)(baselines + position * way)
    return scores, (gradients * way).sum(axis=-1)


def _noisy(images: Array, settings: PathSettings, sample: int) -> Array:
    """The photos under the same noise each, so that none's map depends on its place among the others."""
    noise = np.random.default_rng((settings.seed, sample)).normal(0, settings.noise, (1, *images.shape[1:]))
    return images + noise.astype(np.float32)
