"""Order and ties of scores; pure, so that whoever shows a ranking shows the same one.

Two scores are tied where they differ by no more than their uncertainty: the root of the sum of both squares. A score's
uncertainty is its ensemble's spread, and never less than `LEAST_UNCERTAINTY`. A tie reaches from the best score of its
group on, not from neighbour to neighbour, so that a long row of small steps does not become one tie.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest

from model_store.records import MeasureResult
from model_store.store.manifest import Measure

# A single model has no spread. The most by which storing its parameters compactly moves a score: docs/models.md.
LEAST_UNCERTAINTY = 0.00025


@dataclass(frozen=True)
class Place:
    """Where a score stands among the others.

    Attributes:
        rank: 1 for the best; tied scores share the rank of the best of them, and the ranks behind are left out.
        tied_with_next: whether the score behind it has the same rank.
    """

    rank: int
    tied_with_next: bool


def places[Name](results: Mapping[Name, MeasureResult], measure: Measure) -> dict[Name, Place]:
    """Ranks results of one measure, best first; equal scores keep their order.

    Args:
        results: by whatever names them.
        measure: says which end of the scale is the better one.
    """
    sign = 1 if measure.lower_is_better else -1
    order = sorted(results, key=lambda name: sign * results[name].score)
    ranks: list[int] = []
    for position, name in enumerate(order):
        best = ranks[-1] - 1 if ranks else 0
        ranks.append(ranks[-1] if ranks and are_tied(results[order[best]], results[name]) else position + 1)
    tied = [here == behind for here, behind in zip_longest(ranks, ranks[1:])]
    return {name: Place(rank, tie) for name, rank, tie in zip(order, ranks, tied, strict=True)}


def are_tied(one: MeasureResult, other: MeasureResult) -> bool:
    """Whether two scores differ by no more than their uncertainty."""
    return abs(one.score - other.score) <= math.hypot(_uncertainty(one), _uncertainty(other))


def _uncertainty(result: MeasureResult) -> float:
    return max(result.spread, LEAST_UNCERTAINTY)
