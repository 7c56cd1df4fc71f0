"""The figures of a set of predictions, together and by group."""

from collections.abc import Sequence

import numpy as np

from training.data import Example
from training.evaluation.metrics import Values, measure
from training.evaluation.spread import SpreadQuality
from training.runs import Figures

MINIMUM_GROUP = 10  # the rank correlation of fewer photos says nothing


def figures(predictions: Values, scores: Values, spread: SpreadQuality | None = None) -> Figures:
    """Agreement with people and, where it was judged, the quality of the spread."""
    agreement = measure(predictions, scores)
    return Figures(
        n=agreement.n,
        spearman=agreement.spearman,
        ci95=agreement.ci95,
        pearson=agreement.pearson,
        mse=agreement.mse,
        spread_error_correlation=spread.error_correlation if spread else None,
        interval_coverage=spread.coverage if spread else None,
        interval_intended=spread.intended if spread else None,
    )


def by_group(examples: Sequence[Example], predictions: Values, scores: Values) -> dict[str, Figures]:
    """Figures of each group of at least ten photos, by its name."""
    groups = np.array([example.group or "" for example in examples])
    rows = {str(group): np.flatnonzero(groups == group) for group in np.unique(groups) if group}
    return {
        group: figures(predictions[found], scores[found])
        for group, found in rows.items()
        if len(found) >= MINIMUM_GROUP
    }
