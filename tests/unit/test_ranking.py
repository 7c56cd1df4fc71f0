"""Ranks and ties of scores."""

from collections.abc import Mapping

import pytest

from model_store.ranking import LEAST_UNCERTAINTY, Place, are_tied, places
from model_store.records import MeasureResult, ModelScore
from model_store.store import Measure


def result(score: float, spread: float = 0.0) -> MeasureResult:
    return MeasureResult(score=score, percentile=None, spread=spread, models=(ModelScore(model="a@1", score=score),))


def ranks(scores: Mapping[str, float], measure: Measure = Measure.HIT_RATE, spread: float = 0.0) -> dict[str, int]:
    found = places({name: result(score, spread) for name, score in scores.items()}, measure)
    return {name: place.rank for name, place in found.items()}


def test_the_best_end_of_the_scale_comes_first() -> None:
    scores = {"low": 0.1, "high": 0.9, "middle": 0.5}
    assert list(ranks(scores)) == ["high", "middle", "low"]
    assert list(ranks(scores, Measure.FALSE_ALARM_RATE)) == ["low", "middle", "high"]


def test_tied_scores_share_a_rank_and_leave_the_next_ones_out() -> None:
    tied = {"a": 0.9, "b": 0.8, "c": 0.8, "d": 0.7}
    assert ranks(tied) == {"a": 1, "b": 2, "c": 2, "d": 4}
    found = places({name: result(score) for name, score in tied.items()}, Measure.HIT_RATE)
    assert found["b"] == Place(2, tied_with_next=True)
    assert [name for name, place in found.items() if place.tied_with_next] == ["b"]


@pytest.mark.parametrize(
    ("one", "other", "tied"),
    [
        (result(0.80), result(0.80 + 1.3 * LEAST_UNCERTAINTY), True),
        (result(0.80), result(0.80 + 1.5 * LEAST_UNCERTAINTY), False),
        (result(0.80, 0.03), result(0.84, 0.04), True),
        (result(0.80, 0.03), result(0.86, 0.04), False),
        (result(0.80, 0.05), result(0.84), True),
    ],
)
def test_scores_are_tied_within_the_root_of_both_spreads(one: MeasureResult, other: MeasureResult, tied: bool) -> None:
    assert are_tied(one, other) is tied
    assert are_tied(other, one) is tied


def test_a_row_of_small_steps_is_not_one_tie() -> None:
    scores = {str(step): 0.9 - step * 0.01 for step in range(6)}
    assert ranks(scores, spread=0.0145) == {"0": 1, "1": 1, "2": 1, "3": 4, "4": 4, "5": 4}


def test_no_scores_have_no_places() -> None:
    assert places({}, Measure.HIT_RATE) == {}
