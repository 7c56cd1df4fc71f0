"""Does the spread mean something? Intervals from it, and how many of people's scores they contain."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from training.data.folds import Rows
from training.evaluation.metrics import Values, spearman

# Heads that all end at a bound of the score have no spread at all, which no factor makes an interval of.
LEAST_SPREAD = 1e-3


@dataclass(frozen=True)
class SpreadQuality:
    """What the spread says about the error.

    Attributes:
        error_correlation: rank correlation of the spread with the absolute error.
        factor: spreads that make half an interval's width.
        coverage: share of the photos whose score lies in the interval.
        intended: share that should.
    """

    error_correlation: float
    factor: float
    coverage: float
    intended: float


def interval_factor(predictions: Values, scores: Values, spreads: Values, coverage: float) -> float:
    """How many spreads make half an interval that contains a share of `coverage` of these photos' scores."""
    return float(np.quantile(np.abs(scores - predictions) / _widths(spreads), coverage))


def judge_spread(predictions: Values, scores: Values, spreads: Values, factor: float, intended: float) -> SpreadQuality:
    """Judges intervals whose factor was found on other photos."""
    errors = np.abs(scores - predictions)
    return SpreadQuality(
        error_correlation=spearman(spreads, errors),
        factor=factor,
        coverage=float(np.mean(errors <= factor * _widths(spreads))),
        intended=intended,
    )


def judge_spread_across_folds(
    predictions: Values, scores: Values, spreads: Values, folds: Iterable[tuple[Rows, Rows]], intended: float
) -> SpreadQuality:
    """Judges intervals whose factor was found, for each fold, on the other folds; gives the factor of all photos."""
    inside = np.zeros(len(scores), dtype=bool)
    for others, rows in folds:
        factor = interval_factor(predictions[others], scores[others], spreads[others], intended)
        inside[rows] = np.abs(scores[rows] - predictions[rows]) <= factor * _widths(spreads[rows])
    return SpreadQuality(
        error_correlation=spearman(spreads, np.abs(scores - predictions)),
        factor=interval_factor(predictions, scores, spreads, intended),
        coverage=float(inside.mean()),
        intended=intended,
    )


def _widths(spreads: Values) -> Values:
    widths: Values = np.maximum(spreads, LEAST_SPREAD)
    return widths
