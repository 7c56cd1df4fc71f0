"""Members' scores → a measure: mean, spread and percentile, against numbers worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_store.ensemble import combine
from model_store.records import ModelPerformance, ModelScore
from model_store.store.manifest import ReferenceDistribution

# Every 200th from 0.4 to 0.9: a score s is at the percentile (s - 0.4) · 200.
LINE = ReferenceDistribution(quantiles=tuple(0.4 + i / 200 for i in range(101)), n=500, description="a straight line")


def test_known_answers() -> None:
    result = combine({"a@1": 0.6, "b@2": 0.8, "c@1": 0.7}, LINE)

    assert result.score == pytest.approx(0.7)
    assert result.spread == pytest.approx((0.02 / 3) ** 0.5)  # of the population, not of a sample
    assert result.percentile == pytest.approx(60)
    assert result.models == (
        ModelScore(model="a@1", score=0.6),
        ModelScore(model="b@2", score=0.8),
        ModelScore(model="c@1", score=0.7),
    )


def test_one_member_agrees_with_itself() -> None:
    result = combine({"a@1": 0.61}, LINE)

    assert (result.score, result.spread) == (0.61, 0)
    assert result.percentile == pytest.approx(42)


def test_members_tell_how_well_they_were_measured_to_agree() -> None:
    measured = ModelPerformance(dataset="LNSIM", n=1900, spearman=0.485, ci95=(0.449, 0.519))

    first, second = combine({"a@1": 0.6, "b@2": 0.8}, LINE, {"a@1": measured, "b@2": None}).models

    assert (first.performance, second.performance) == (measured, None)


def test_without_a_reference_the_percentile_stays_open() -> None:
    assert combine({"a@1": 0.61}, None).percentile is None


@pytest.mark.parametrize(("score", "percentile"), [(0.0, 0), (0.39, 0), (0.4, 0), (0.9, 100), (1.0, 100)])
def test_scores_beyond_the_reference_are_at_its_ends(score: float, percentile: float) -> None:
    assert combine({"a@1": score}, LINE).percentile == percentile


@given(scores=st.lists(st.floats(0, 1, width=32), min_size=1, max_size=6))
def test_any_scores_give_a_mean_between_them(scores: list[float]) -> None:
    result = combine({f"m{index}@1": score for index, score in enumerate(scores)}, LINE)

    assert min(scores) - 1e-12 <= result.score <= max(scores) + 1e-12
    assert 0 <= result.spread <= (max(scores) - min(scores)) / 2 + 1e-12
