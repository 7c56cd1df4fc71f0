"""Which photos each training of a run may see, and which it is measured on."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from training.data import Example, Split
from training.data.folds import Rows, assign_folds, each_fold
from training.fine_tuning.settings import FineTuneSettings

HELD_OUT_FOLDS = 5  # a held-out part without a test split is one of so many


@dataclass(frozen=True)
class Stage:
    """One training from the published parameters on; its three parts have no photo and no near-duplicates in common.

    Attributes:
        name: for people, and for its files.
        train: rows that are trained on.
        validation: rows that decide when training stops.
        measured: rows that are predicted once it has stopped; none where there is nothing left to measure.
        is_published: whether its network is the run's.
    """

    name: str
    train: Rows = field(repr=False)
    validation: Rows = field(repr=False)
    measured: Rows = field(repr=False)
    is_published: bool

    @property
    def learned(self) -> Rows:
        """Rows that the network has learned from, in one way or the other: it knows them."""
        return np.concatenate([self.train, self.validation])

    @property
    def slug(self) -> str:
        """The name, as that of a file."""
        return self.name.replace(" ", "-")


def plan_stages(examples: Sequence[Example], settings: FineTuneSettings) -> tuple[Stage, ...]:
    """The trainings of a run, the published one last.

    With folds, the photos of a `test` split are measured by the published network alone. Without, the test split is the
    held-out part, and a `val` split decides when to stop.
    """
    splits = np.array([example.split or "" for example in examples])
    groups = np.array([example.duplicates for example in examples])
    test = np.flatnonzero(splits == Split.TEST)
    random = np.random.default_rng(settings.seed)
    if settings.folds == 1:
        return (_held_out(splits, groups, test, settings, random),)
    rows = np.flatnonzero(splits != Split.TEST)
    folds = assign_folds(list(groups[rows]), settings.folds, random)
    measured = [
        _stage(f"fold {number}", rows[train], groups, rows[fold], settings, random, is_published=False)
        for number, (train, fold) in enumerate(each_fold(folds), 1)
    ]
    return (*measured, _stage("all photos", rows, groups, test, settings, random, is_published=True))


def _held_out(
    splits: np.ndarray, groups: np.ndarray, test: Rows, settings: FineTuneSettings, random: np.random.Generator
) -> Stage:
    validation = np.flatnonzero(splits == Split.VALIDATION)
    rows = np.flatnonzero((splits != Split.TEST) & (splits != Split.VALIDATION))
    if not test.size:
        held_out = assign_folds(list(groups[rows]), HELD_OUT_FOLDS, random) == 0
        rows, test = rows[~held_out], rows[held_out]
    if validation.size:
        return Stage("held out", rows, validation, test, is_published=True)
    return _stage("held out", rows, groups, test, settings, random, is_published=True)


def _stage(
    name: str,
    rows: Rows,
    groups: np.ndarray,
    measured: Rows,
    settings: FineTuneSettings,
    random: np.random.Generator,
    *,
    is_published: bool,
) -> Stage:
    """A stage whose validation part is drawn from the photos that it may see."""
    parts = max(2, round(1 / settings.validation_share))
    is_validation = assign_folds(list(groups[rows]), parts, random) == 0
    return Stage(name, rows[~is_validation], rows[is_validation], measured, is_published)
