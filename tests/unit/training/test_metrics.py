"""Figures against SciPy, and against cases whose answer is known."""

from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from training.data.examples import Example, Line
from training.data.folds import each_fold
from training.evaluation.consistency import human_consistency
from training.evaluation.metrics import compare, measure, pearson, spearman
from training.evaluation.spread import interval_factor, judge_spread, judge_spread_across_folds

RANDOM = np.random.default_rng(0)


def noisy(n: int, noise: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.normal(size=n)
    return truth + noise * random.normal(size=n), truth


def test_correlations_are_those_of_scipy_ties_included() -> None:
    left, right = RANDOM.integers(0, 9, 200).astype(float), RANDOM.normal(size=200)

    assert spearman(left, right) == pytest.approx(scipy.stats.spearmanr(left, right).statistic, abs=1e-12)
    assert pearson(left, right) == pytest.approx(scipy.stats.pearsonr(left, right).statistic, abs=1e-12)
    assert spearman(np.ones(5), np.arange(5.0)) == 0


def test_the_interval_has_the_width_that_theory_gives() -> None:
    predictions, truth = noisy(1000, 1.0)

    found = measure(predictions, truth)

    # Fisher's transform with Bonett and Wright's variance for Spearman (Psychometrika 65, 2000).
    error = np.sqrt((1 + found.spearman**2 / 2) / (1000 - 3))
    low, high = np.tanh(np.arctanh(found.spearman) + np.array([-1.96, 1.96]) * error)
    assert found.ci95 == pytest.approx((low, high), abs=0.012)
    assert found.mse == pytest.approx(1.0, abs=0.15)


def test_a_better_model_is_told_from_a_worse_and_not_from_itself() -> None:
    good, truth = noisy(400, 0.5)
    bad = truth + 3 * RANDOM.normal(size=400)

    better = compare(good, bad, truth)
    same = compare(good, good, truth)

    assert better.difference > 0.3
    assert better.ci95[0] > 0
    assert better.p_value <= 0.001
    assert (same.difference, same.ci95, same.p_value) == (0, (0, 0), 1)


def test_intervals_hold_what_they_should_where_the_spread_is_true() -> None:
    spreads = RANDOM.uniform(0.02, 0.2, 4000)
    truth = RANDOM.normal(size=4000)
    predictions = truth + spreads * RANDOM.normal(size=4000)
    folds = list(each_fold(np.arange(4000) % 5))

    found = judge_spread_across_folds(predictions, truth, spreads, folds, 0.9)

    assert found.error_correlation > 0.3
    assert found.coverage == pytest.approx(0.9, abs=0.02)
    assert found.factor == pytest.approx(1.645, abs=0.06)
    assert interval_factor(predictions, truth, spreads, 0.9) == found.factor
    assert judge_spread(predictions, truth, spreads, 1.0, 0.9).coverage == pytest.approx(0.683, abs=0.03)


def test_human_consistency_is_that_of_the_counts() -> None:
    random = np.random.default_rng(2)
    rates = random.uniform(0.3, 0.9, 600)
    examples = [
        Example(str(i), Path(str(i)), float(rate), Line(Path("s"), i), int(random.binomial(80, rate)), 80)
        for i, rate in enumerate(rates)
    ]

    found = human_consistency(examples)

    assert found is not None
    error = rates * (1 - rates) / 40
    assert found.split_half == pytest.approx(rates.var() / (rates.var() + error.mean()), abs=0.03)
    assert found.split_half < found.ceiling < 1
    assert human_consistency(examples[:1]) is None
