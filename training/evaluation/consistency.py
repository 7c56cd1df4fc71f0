"""How far people agree with each other: the ceiling of every model, where hits and trials are known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.data import Example
from training.evaluation.metrics import spearman

SPLITS = 100


@dataclass(frozen=True)
class Consistency:
    """Agreement of people with people.

    Attributes:
        n: photos with hits and trials.
        split_half: mean rank correlation of the scores of two random halves of the people.
        ceiling: what a perfect model would reach against the scores of all people: the square root of their
            reliability, which is the split-half correlation after Spearman and Brown's correction (Spearman 1910,
            Brown 1910).
    """

    n: int
    split_half: float
    ceiling: float


def human_consistency(examples: Sequence[Example], seed: int = 0) -> Consistency | None:
    """Splits the answers for every photo into two halves at random, many times; None without enough counts."""
    counts = [(e.hits, e.trials) for e in examples if e.hits is not None and e.trials is not None and e.trials > 1]
    if len(counts) < 2:
        return None
    hits, trials = np.array(counts).T
    random = np.random.default_rng(seed)
    half = trials // 2
    correlations = []
    for _ in range(SPLITS):
        first = random.hypergeometric(hits, trials - hits, half)
        correlations.append(spearman(first / half, (hits - first) / (trials - half)))
    split_half = float(np.mean(correlations))
    reliability = 2 * split_half / (1 + split_half) if split_half > 0 else 0.0
    return Consistency(len(counts), split_half, float(np.sqrt(reliability)))
