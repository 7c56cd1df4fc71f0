"""A training run from start to end: features, cross-validation, the final heads, and the folder that tells of it.

Everything that takes minutes is kept in the cache, and everything else is drawn from the run's seed: a run that was
killed and is started again ends as it would have ended.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from model_store.models.taps import taps
from model_store.store import Manifest, Measure, ModelStore
from model_store.store.manifest import Performance, SpreadCalibration
from training.data import Dataset, Split
from training.data.folds import each_fold
from training.describing import describe_heads, performance_on, reference_of
from training.errors import TrainingError
from training.evaluation.consistency import human_consistency
from training.evaluation.figures import by_group, figures
from training.evaluation.metrics import Values, spearman
from training.evaluation.spread import SpreadQuality, judge_spread, judge_spread_across_folds
from training.features.cache import Seen
from training.features.extraction import OnProgress, Progress, View, extract, require_trunks
from training.heads.cross_validation import CrossValidation, cross_validate
from training.heads.fitting import ARCHITECTURE, Photos, TrainedHeads, fit_heads
from training.heads.settings import HeadSettings
from training.runs import Ceiling, Figures, Run, RunRecord
from training.writing import Outcome, require_replaceable, write_run

MINIMUM_PHOTOS = 50  # with fewer, an inner fold holds too few photos to choose anything by

OPEN_SPLITS = (None, Split.TRAIN, Split.VALIDATION)


@dataclass(frozen=True)
class TrainingOptions:
    """What a run is asked to do.

    Attributes:
        name: of the model.
        trunks: references of the published models whose features the heads read.
        measure: what the data set's scores are.
        heads: settings of the heads.
    """

    name: str
    trunks: tuple[str, ...]
    measure: Measure = Measure.HIT_RATE
    heads: HeadSettings = field(default_factory=HeadSettings)


def train(
    store: ModelStore,
    dataset: Dataset,
    options: TrainingOptions,
    cache: Path,
    folder: Path,
    on_progress: OnProgress = lambda _progress: None,
) -> Run:
    """Trains heads on a data set and writes the run's folder.

    Photos of a `test` split are kept out of everything but a last measurement.

    Args:
        store: holds the trunks.
        dataset: checked.
        options: see there.
        cache: folder for features.
        folder: of the run; a run that is there is replaced.
        on_progress: told of what is being done.

    Raises:
        NotFoundError: a trunk is not in the store.
        TrainingError: there are too few photos, or the trunks give no features.
    """
    open_set, test_set = dataset.only(OPEN_SPLITS), dataset.only((Split.TEST,))
    if len(open_set.examples) < MINIMUM_PHOTOS:
        raise TrainingError(
            f"{dataset.name} has {len(open_set.examples)} photos to train on; at least {MINIMUM_PHOTOS} are needed"
        )
    require_replaceable(folder)
    trunks = require_trunks(store, options.trunks)
    start = time.monotonic()
    see = partial(_see, store, trunks, cache=cache, on_progress=on_progress)
    standard, mirrored = (see(open_set, view) for view in (View.STANDARD, View.MIRRORED))
    unseen = _Unseen(see(test_set, View.STANDARD), test_set.scores) if test_set.examples else None
    seen = time.monotonic()
    validation, heads = _fit(_photos(trunks, open_set, standard, mirrored), options.heads, on_progress)
    seconds = {"features": seen - start, "heads": time.monotonic() - seen}
    fitted = _Fitted(validation, heads, {trunk.ref: s.scores for trunk, s in zip(trunks, standard, strict=True)})
    write_run(folder, _outcome(store, trunks, options, open_set, fitted, unseen, seconds))
    return Run.read(folder)


@dataclass(frozen=True)
class _Unseen:
    """Photos that are measured on at the end: what each trunk sees of them, and their scores."""

    seen: tuple[Seen, ...]
    scores: Values


@dataclass(frozen=True)
class _Fitted:
    """What was made of the photos."""

    validation: CrossValidation
    heads: TrainedHeads
    trunk_scores: dict[str, Values]


def _see(
    store: ModelStore, trunks: Sequence[Manifest], dataset: Dataset, view: View, cache: Path, on_progress: OnProgress
) -> tuple[Seen, ...]:
    return tuple(extract(store, trunk, dataset, cache, view, on_progress) for trunk in trunks)


def _photos(trunks: Sequence[Manifest], dataset: Dataset, standard: Sequence[Seen], mirrored: Sequence[Seen]) -> Photos:
    widths = tuple(tuple(tap.width for tap in taps(t.architecture, t.architecture_settings)) for t in trunks)
    features, reflected = (tuple(seen.features for seen in view) for view in (standard, mirrored))
    return Photos(features, reflected, widths, dataset.scores, tuple(each.duplicates for each in dataset.examples))


def _fit(photos: Photos, settings: HeadSettings, on_progress: OnProgress) -> tuple[CrossValidation, TrainedHeads]:
    total = settings.folds + 1
    on_progress(Progress("training heads", 0, total))
    validation = cross_validate(photos, settings, lambda done: on_progress(Progress("training heads", done, total)))
    heads = fit_heads(photos, settings, settings.seed).as_stored()
    on_progress(Progress("training heads", total, total))
    return validation, heads


def _outcome(
    store: ModelStore,
    trunks: Sequence[Manifest],
    options: TrainingOptions,
    dataset: Dataset,
    fitted: _Fitted,
    unseen: _Unseen | None,
    seconds: dict[str, float],
) -> Outcome:
    validation, scores, heads = fitted.validation, dataset.scores, fitted.heads
    folds = list(each_fold(validation.folds))
    spread = judge_spread_across_folds(validation.means, scores, validation.spreads, folds, options.heads.coverage)
    record = RunRecord(
        name=options.name,
        dataset=dataset.name,
        n_photos=len(scores),
        n_near_duplicates=dataset.n_near_duplicates,
        trunks=tuple(trunk.ref for trunk in trunks),
        kind=ARCHITECTURE,
        settings=asdict(options.heads) | {"chosen_penalty": heads.selection.chosen},
        cross_validation=figures(validation.means, scores, spread),
        by_group=by_group(dataset.examples, validation.means, scores),
        trunk_spearman={
            trunk.ref: spearman(fitted.trunk_scores[trunk.ref], scores)
            for trunk in trunks
            if trunk.measure is options.measure
        },
        test=_test_figures(heads, unseen, spread) if unseen else None,
        ceiling=_ceiling(dataset),
        seconds=seconds,
        finished_at=datetime.now(UTC),
    )
    description = describe_heads(store, trunks, heads, dataset, options.measure, _performance(record))
    reference = reference_of(validation.means, f"{len(scores):,} photos of {dataset.name}, none seen by its heads")
    calibration = SpreadCalibration(factor=spread.factor, coverage=spread.intended)
    description = description.model_copy(update={"reference": reference, "calibration": calibration})
    return Outcome(record, description, heads, dataset.examples, scores, validation)


def _test_figures(heads: TrainedHeads, unseen: _Unseen, spread: SpreadQuality) -> Figures:
    predictions = heads.predict([seen.features for seen in unseen.seen])
    means, spreads = predictions.mean(axis=1), predictions.std(axis=1)
    judged = judge_spread(means, unseen.scores, spreads, spread.factor, spread.intended)
    return figures(means, unseen.scores, judged)


def _performance(record: RunRecord) -> list[Performance]:
    folds = record.settings["folds"]
    measured = [performance_on(f"{record.dataset}, {folds}-fold cross-validation", record.cross_validation)]
    if record.test:
        measured.append(performance_on(f"{record.dataset}, test split", record.test))
    return measured


def _ceiling(dataset: Dataset) -> Ceiling | None:
    found = human_consistency(dataset.examples)
    return Ceiling(**asdict(found)) if found else None
