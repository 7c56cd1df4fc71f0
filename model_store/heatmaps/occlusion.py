"""Occlusion by random masks: how the score goes with what is shown of the photo. It needs no gradients.

Petsiuk et al. 2018, "RISE", https://arxiv.org/abs/1806.07421. There a pixel's importance is the mean score over the
masks that show it, which is positive everywhere. Here it is the covariance of score and mask over the mask's variance:
what showing the place adds to the score, or takes away. Every mask is used with its complement, which cancels whatever
does not depend on the place.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from jaxtyping import Array, Float

from model_store.heatmaps.networks import Network
from model_store.heatmaps.programs import run, score_mixed


@dataclass(frozen=True)
class MaskSettings:
    """How photos are occluded.

    Attributes:
        pairs: masks, each used with its complement.
        cells: cells of a mask on each side, shown or hidden at random.
        seed: of the masks, which are the same for every photo.
    """

    pairs: int = 128
    cells: int = 7
    seed: int = 0


def occlusion(
    network: Network,
    images: Float[Array, "batch size size 3"],
    baselines: Float[Array, "batch size size 3"],
    settings: MaskSettings,
) -> Float[np.ndarray, "batch size size"]:
    """Signed maps as densities: what a cell adds to the score, per area, the whole picture's being 1.

    Args:
        network: what is explained.
        images: photos, in 0..1.
        baselines: what is seen of them where they are hidden.
        settings: of the masks.
    """
    size = images.shape[1]
    weighted = np.zeros(images.shape[:3], np.float32)
    variance = np.zeros((size, size), np.float32)
    for mask in islice(masks(size, settings.cells, settings.seed), settings.pairs):
        shown = run(score_mixed, network, images, baselines, mask[None])
        hidden = run(score_mixed, network, images, baselines, 1 - mask[None])
        centred = mask - np.float32(0.5)
        weighted += np.asarray(shown - hidden)[:, None, None] * centred
        variance += 2 * centred**2
    return weighted / variance * np.float32(settings.cells**2)


def masks(size: int, cells: int, seed: int) -> Iterator[Float[np.ndarray, "size size"]]:
    """Endless smooth random masks in 0..1: coarse coin tosses, interpolated and shifted by part of a cell."""
    generator = np.random.default_rng(seed)
    while True:
        tosses = generator.integers(0, 2, (cells + 2, cells + 2)).astype(np.float32)
        yield interpolate_field(tosses, size, cells, generator.random(2))


def smooth_field(generator: np.random.Generator, size: int, cells: int) -> Float[np.ndarray, "size size"]:
    """Random values that vary as masks do, without their plateaus."""
    nodes = generator.normal(size=(cells + 2, cells + 2)).astype(np.float32)
    return interpolate_field(nodes, size, cells, generator.random(2))


def interpolate_field(
    nodes: Float[np.ndarray, "nodes nodes"], size: int, cells: int, shifts: Float[np.ndarray, "2"]
) -> Float[np.ndarray, "size size"]:
    """Interpolates a grid whose nodes are size / cells pixels apart, shifted by parts of that."""
    rows, columns = (_weights(size, cells, shift) for shift in shifts)
    field: np.ndarray = rows @ nodes @ columns.T
    return field


def _weights(size: int, cells: int, shift: float) -> Float[np.ndarray, "size nodes"]:
    positions = np.arange(size) * cells / size + shift
    weights: np.ndarray = np.maximum(0, 1 - np.abs(positions[:, None] - np.arange(cells + 2)))
    return weights.astype(np.float32)
