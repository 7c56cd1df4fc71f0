"""Agreement of predictions with people's scores."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

type Values = Float[np.ndarray, " photos"]

BOOTSTRAPS = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Agreement:
    """Figures of one set of predictions.

    Attributes:
        n: photos.
        spearman: rank correlation.
        ci95: its interval, from bootstraps of the photos (percentiles).
        pearson: linear correlation.
        mse: mean squared error.
    """

    n: int
    spearman: float
    ci95: tuple[float, float]
    pearson: float
    mse: float


@dataclass(frozen=True)
class Comparison:
    """Two sets of predictions of the same photos.

    Attributes:
        difference: Spearman of the first less Spearman of the second.
        ci95: its interval, from bootstraps of the photos, paired.
        p_value: of no difference, two-sided, from the same bootstraps.
    """

    difference: float
    ci95: tuple[float, float]
    p_value: float


def spearman(left: Values, right: Values) -> float:
    """Rank correlation, ties sharing their mean rank; 0 where one side is constant."""
    return pearson(ranks(left), ranks(right))


def pearson(left: Values, right: Values) -> float:
    """Linear correlation; 0 where one side is constant."""
    left, right = left - left.mean(), right - right.mean()
    norm = np.sqrt((left @ left) * (right @ right))
    return float(left @ right / norm) if norm > 0 else 0.0


def ranks(values: Values) -> Values:
    """Ranks from 0; equal values share their mean rank."""
    _, members, counts = np.unique(values, return_inverse=True, return_counts=True)
    after = np.cumsum(counts)
    return (after - (counts + 1) / 2)[members]


def measure(predictions: Values, scores: Values, seed: int = 0) -> Agreement:
    """All figures of a set of predictions.

    Args:
        predictions: of at least two photos.
        scores: of people, for the same photos.
        seed: of the bootstraps.
    """
    resampled = [spearman(predictions[rows], scores[rows]) for rows in _resamples(len(scores), seed)]
    return Agreement(
        n=len(scores),
        spearman=spearman(predictions, scores),
        ci95=_interval(resampled),
        pearson=pearson(predictions, scores),
        mse=float(np.mean((predictions - scores) ** 2)),
    )


def compare(first: Values, second: Values, scores: Values, seed: int = 0) -> Comparison:
    """Compares two sets of predictions of the same photos."""
    differences = [
        spearman(first[rows], scores[rows]) - spearman(second[rows], scores[rows])
        for rows in _resamples(len(scores), seed)
    ]
    below, above = np.mean(np.array(differences) <= 0), np.mean(np.array(differences) >= 0)
    return Comparison(
        difference=spearman(first, scores) - spearman(second, scores),
        ci95=_interval(differences),
        p_value=float(min(1.0, 2 * max(min(below, above), 1 / BOOTSTRAPS))),
    )


def _resamples(n_photos: int, seed: int) -> Int[np.ndarray, "bootstraps photos"]:
    return np.random.default_rng(seed).integers(n_photos, size=(BOOTSTRAPS, n_photos))


def _interval(values: Sequence[float]) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
