"""The basis functions of heads: standardised features, principal components, what of them is steady, landmarks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from training.features.cache import Features
from training.heads.steadiness import steadying

type Activations = Float[np.ndarray, "photos landmarks"]
type _Values = Float[np.ndarray, " features"]

# A feature that hardly varies in the training photos must not explode on another one: relative to the median feature.
_MINIMUM_DEVIATION = 1e-2


@dataclass(frozen=True)
class Basis:
    """What `Heads` computes before its readouts.

    Attributes:
        kernels: projection of each trunk's features.
        bias: of the projection.
        centres: projected features of the landmarks; distances are in units of the median distance of two photos.
    """

    kernels: tuple[Float[np.ndarray, "features components"], ...]
    bias: Float[np.ndarray, " components"]
    centres: Float[np.ndarray, "landmarks components"]

    def project(self, features: Sequence[Features]) -> Float[np.ndarray, "photos components"]:
        """Projected features of photos, given those of each trunk."""
        parts = [f @ kernel for f, kernel in zip(features, self.kernels, strict=True)]
        return np.sum([*parts, np.broadcast_to(self.bias, parts[0].shape)], axis=0)

    def activations(self, features: Sequence[Features]) -> Activations:
        """Basis functions of photos, float32."""
        return np.exp(-distances(self.project(features), self.centres))

    def activations_of_means(self, features: Sequence[Features], mirrored: Sequence[Features]) -> Activations:
        """Basis functions of the mean of two views of each photo, which has half their noise."""
        return np.exp(-distances((self.project(features) + self.project(mirrored)) / 2, self.centres))


def fit_basis(
    features: Sequence[Features],
    mirrored: Sequence[Features],
    tap_widths: Sequence[Sequence[int]],
    rows: Int[np.ndarray, " landmarks"],
    components: int,
) -> Basis:
    """Fits the basis to photos; their scores play no part.

    Args:
        features: of each trunk, for all photos.
        mirrored: of each trunk, for all photos mirrored.
        tap_widths: how many of each trunk's features belong to each tap; all taps get the same weight.
        rows: the photos that are to be landmarks, which the principal components are taken from too.
        components: how many are kept, fewer where there are fewer photos.
    """
    n_taps = sum(map(len, tap_widths))
    scales = [_scales(f[rows], widths, n_taps) for f, widths in zip(features, tap_widths, strict=True)]
    views = [_standardise(view, rows, scales) for view in (features, mirrored)]
    axes = _principal_axes([(left + right) / 2 for left, right in zip(*views, strict=True)], components)
    straight, flipped = (_project(view, axes) for view in views)
    shrink = steadying(straight, flipped)
    axes = [axis @ shrink for axis in axes]
    centres = (straight + flipped) / 2 @ shrink
    unit = np.median(distances(centres, centres)[np.triu_indices(len(rows), 1)])
    kernels = tuple(scale[:, None] * axis / unit for (_, scale), axis in zip(scales, axes, strict=True))
    offsets = [mean @ kernel for (mean, _), kernel in zip(scales, kernels, strict=True)]
    return Basis(kernels, -np.sum(offsets, axis=0), centres / unit)


def distances(
    left: Float[np.ndarray, "left components"], right: Float[np.ndarray, "right components"]
) -> Float[np.ndarray, "left right"]:
    """Euclidean distances of every pair."""
    squares: Float[np.ndarray, "left right"] = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1)
    squares -= 2 * left @ right.T
    return np.sqrt(squares.clip(min=0))


def _standardise(
    features: Sequence[Features], rows: Int[np.ndarray, " landmarks"], scales: Sequence[tuple[_Values, _Values]]
) -> list[Features]:
    return [(f[rows] - mean) * scale for f, (mean, scale) in zip(features, scales, strict=True)]


def _principal_axes(standard: Sequence[Features], components: int) -> list[Float[np.ndarray, "features components"]]:
    """Of each trunk's features, whose components add up to those of all trunks."""
    n_photos = len(standard[0])
    gram = sum((s @ s.T for s in standard), np.zeros((n_photos, n_photos), np.float32))
    values, vectors = np.linalg.eigh(gram.astype(np.float64))
    kept = values > values[-1] * 1e-6
    kept[: max(len(values) - components, 0)] = False
    directions = (vectors[:, kept] / np.sqrt(values[kept])).astype(np.float32)
    return [s.T @ directions for s in standard]


def _project(
    standard: Sequence[Features], axes: Sequence[Float[np.ndarray, "features components"]]
) -> Float[np.ndarray, "photos components"]:
    return np.sum([s @ axis for s, axis in zip(standard, axes, strict=True)], axis=0)


def _scales(features: Features, widths: Sequence[int], n_taps: int) -> tuple[_Values, _Values]:
    """Mean of each feature, and the factor that makes it one of a tap whose variance is 1 / `n_taps` in all."""
    deviation = features.std(axis=0)
    deviation = np.maximum(deviation, _MINIMUM_DEVIATION * np.median(deviation) + np.finfo(np.float32).tiny)
    weight = np.concatenate([np.full(width, (width * n_taps) ** -0.5, np.float32) for width in widths])
    return features.mean(axis=0), weight / deviation
