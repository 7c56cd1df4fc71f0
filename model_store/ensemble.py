"""Members' scores of one photo → one measure of its record. Measures are never averaged with each other."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from model_store.records import MeasureResult, ModelPerformance, ModelScore
from model_store.store.manifest import ReferenceDistribution


def combine(
    scores: Mapping[str, float | Sequence[float]],
    reference: ReferenceDistribution | None,
    performance: Mapping[str, ModelPerformance | None] = MappingProxyType({}),
) -> MeasureResult:
    """The members' mean, their disagreement, and the share of reference photos that score lower.

    Args:
        scores: score by member (`name@version`), at least one; of a member with several heads that of each head.
        reference: distribution of the ensemble's scores over reference photos; None leaves the percentile open.
        performance: of members, as it was measured.

    Returns:
        `score`, the mean of the members; `spread`, the population standard deviation of all heads, of which every
        member has the same weight however many it has, 0 for a single one; `percentile` in 0..100.
    """
    heads = {member: np.atleast_1d(np.asarray(values, dtype=np.float64)) for member, values in scores.items()}
    means = np.array([values.mean() for values in heads.values()])
    score = float(means.mean())
    variance = np.mean([((values - score) ** 2).mean() for values in heads.values()])
    return MeasureResult(
        score=score,
        spread=float(np.sqrt(variance)),
        percentile=None if reference is None else reference.percentile(score),
        models=tuple(_model_score(member, values, performance.get(member)) for member, values in heads.items()),
    )


def _model_score(member: str, heads: Float[np.ndarray, " heads"], performance: ModelPerformance | None) -> ModelScore:
    each = tuple(heads.tolist()) if heads.size > 1 else None
    return ModelScore(model=member, score=float(heads.mean()), heads=each, performance=performance)
