"""Members' scores of one photo → one measure of its record. Measures are never averaged with each other."""

from collections.abc import Mapping

import numpy as np

from model_store.records import MeasureResult, ModelScore
from model_store.store.manifest import ReferenceDistribution


def combine(scores: Mapping[str, float], reference: ReferenceDistribution | None) -> MeasureResult:
    """The members' mean, their disagreement, and the share of reference photos that score lower.

    Args:
        scores: score by member (`name@version`), at least one.
        reference: distribution of the ensemble's scores over reference photos; None leaves the percentile open.

    Returns:
        `score`, the mean; `spread`, the population standard deviation of the members, 0 for a single one;
        `percentile` in 0..100.
    """
    values = np.array(list(scores.values()), dtype=np.float64)
    score = float(values.mean())
    return MeasureResult(
        score=score,
        spread=float(values.std()),
        percentile=None if reference is None else reference.percentile(score),
        models=tuple(ModelScore(model=model, score=value) for model, value in scores.items()),
    )
