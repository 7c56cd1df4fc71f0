"""Measures heads on photos that played no part in any choice: the outer loop of a nested cross-validation."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from training.data.folds import assign_folds, each_fold
from training.evaluation.metrics import spearman
from training.heads.fitting import HeadScores, Photos, Selection, fit_heads
from training.heads.settings import HeadSettings

LEARNING_SHARES = (0.25, 0.5)  # of the photos of a fold; all of them are in the curve as well

OnFold = Callable[[int], object]
"""Called with the number of folds that are done."""


@dataclass(frozen=True)
class CrossValidation:
    """Predictions of every photo by heads that did not see it.

    Attributes:
        folds: of each photo.
        predictions: of each photo by each head.
        selections: of each fold's penalty.
        learning_curve: photos trained on, and the rank correlation that they gave on the first fold.
    """

    folds: Int[np.ndarray, " photos"] = field(repr=False)
    predictions: HeadScores = field(repr=False)
    selections: tuple[Selection, ...]
    learning_curve: tuple[tuple[int, float], ...]

    @property
    def means(self) -> Float[np.ndarray, " photos"]:
        """The heads' mean, the score that is served."""
        return self.predictions.mean(axis=1)

    @property
    def spreads(self) -> Float[np.ndarray, " photos"]:
        """The heads' standard deviation, the spread that is served."""
        return self.predictions.std(axis=1)


def cross_validate(photos: Photos, settings: HeadSettings, on_fold: OnFold = lambda _done: None) -> CrossValidation:
    """Trains heads on all folds but one, for each, and predicts that one."""
    random = np.random.default_rng(settings.seed)
    folds = assign_folds(photos.groups, settings.folds, random)
    predictions = np.empty((len(folds), settings.heads))
    selections = []
    for done, (train, test) in enumerate(each_fold(folds), 1):
        heads = fit_heads(photos.take(train), settings, settings.seed + done)
        predictions[test] = heads.predict([f[test] for f in photos.features])
        selections.append(heads.selection)
        on_fold(done)
    curve = _learning_curve(photos, settings, folds, predictions)
    return CrossValidation(folds, predictions, tuple(selections), curve)


def _learning_curve(
    photos: Photos, settings: HeadSettings, folds: Int[np.ndarray, " photos"], predictions: HeadScores
) -> tuple[tuple[int, float], ...]:
    train, test = next(each_fold(folds))
    order = np.random.default_rng(settings.seed).permutation(train)
    curve = []
    for share in LEARNING_SHARES:
        rows = np.sort(order[: round(share * len(order))])
        if len(rows) >= 4 * settings.inner_folds:
            heads = fit_heads(photos.take(rows), settings, settings.seed)
            means = heads.predict([f[test] for f in photos.features]).mean(axis=1)
            curve.append((len(rows), spearman(means, photos.scores[test])))
    return (*curve, (len(train), spearman(predictions[test].mean(axis=1), photos.scores[test])))
