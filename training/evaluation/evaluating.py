"""Scores a data set with a published model or ensemble and says how well it agrees with people."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from model_store.records import ScoredRecord
from model_store.runtime.ensembles import EnsembleSpec
from model_store.runtime.scoring import Photo, Scorer
from model_store.store import Measure, ModelStore, NotFoundError
from model_store.store.manifest import SpreadCalibration
from training.data import Dataset
from training.errors import TrainingError
from training.evaluation.figures import by_group, figures
from training.evaluation.metrics import Values, compare
from training.evaluation.plots import plot_scatter, plot_spread
from training.evaluation.spread import judge_spread
from training.runs import Figures

# Where a model brings no calibration: a spread is taken for the standard error of a normal distribution.
NORMAL_CALIBRATION = SpreadCalibration(factor=1.6449, coverage=0.9)


class Difference(BaseModel):
    """One model less another on the same photos; see `training.evaluation.metrics.Comparison`."""

    model_config = ConfigDict(frozen=True)

    against: str
    difference: float
    ci95: tuple[float, float]
    p_value: float


class Evaluation(BaseModel):
    """How well a model agrees with people.

    Attributes:
        model: `name@version` of the model or ensemble.
        dataset: its name.
        measure: which of the model's measures.
        figures: on all photos.
        groups: on each group with enough photos.
        comparison: with another model, where one was named.
        other: that model's figures.
    """

    model_config = ConfigDict(frozen=True)

    model: str
    dataset: str
    measure: Measure
    figures: Figures
    groups: dict[str, Figures]
    comparison: Difference | None = None
    other: Figures | None = None


@dataclass(frozen=True)
class Predictions:
    """What a model or ensemble says of a data set's photos, in their order.

    Attributes:
        ref: `name@version`.
        measure: of the scores.
        scores: one a photo.
        spreads: one a photo; all 0 where a single score is all there is.
        calibration: of the spread, where a lone model brings one.
    """

    ref: str
    measure: Measure
    scores: Values
    spreads: Values
    calibration: SpreadCalibration | None


def find_spec(store: ModelStore, ref: str) -> EnsembleSpec:
    """A model, or else an ensemble or alias, of that reference.

    Raises:
        NotFoundError: there is neither.
    """
    try:
        return EnsembleSpec.of_model(store, ref)
    except NotFoundError as no_model:
        try:
            return EnsembleSpec.of_ensemble(store, ref)
        except NotFoundError as no_ensemble:
            raise NotFoundError(f"{no_model} {no_ensemble}") from no_ensemble


def predict(
    spec: EnsembleSpec, dataset: Dataset, measure: Measure | None, on_photo: Callable[[], object] = lambda: None
) -> Predictions:
    """Scores every photo of a data set.

    Args:
        spec: the model or ensemble.
        dataset: checked.
        measure: which of its measures; None takes the only one.
        on_photo: called after each.

    Raises:
        TrainingError: the ensemble does not have that measure, or has several and none was named.
    """
    if measure is None and len(spec.measures) == 1:
        (measure,) = spec.measures
    if measure is None or measure not in spec.measures:
        raise TrainingError(f"{spec.ref} predicts {', '.join(spec.measures)}; say which with --measure")
    photos = [Photo(example.name, partial(Path.read_bytes, example.path)) for example in dataset.examples]
    results = []
    for record in Scorer(spec).score(photos):
        if not isinstance(record, ScoredRecord):
            raise TrainingError(f"{record.file} could be read a moment ago, and cannot now: {record.error.message}")
        results.append(record.measures[measure])
        on_photo()
    members = spec.measures[measure].members
    calibration = spec.manifests[members[0]].calibration if len(members) == 1 else None
    scores, spreads = (np.array([getattr(result, name) for result in results]) for name in ("score", "spread"))
    return Predictions(spec.ref, measure, scores, spreads, calibration)


def evaluate(dataset: Dataset, predictions: Predictions, other: Predictions | None = None) -> Evaluation:
    """All figures of a model's predictions, and their comparison with another's."""
    difference = None
    if other:
        found = compare(predictions.scores, other.scores, dataset.scores)
        difference = Difference(against=other.ref, **asdict(found))
    return Evaluation(
        model=predictions.ref,
        dataset=dataset.name,
        measure=predictions.measure,
        figures=_figures(dataset, predictions),
        groups=by_group(dataset.examples, predictions.scores, dataset.scores),
        comparison=difference,
        other=_figures(dataset, other) if other else None,
    )


def write_evaluation(folder: Path, dataset: Dataset, predictions: Predictions, evaluation: Evaluation) -> None:
    """Writes `evaluation.json` and the plots into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evaluation.json").write_text(evaluation.model_dump_json(indent=2) + "\n", encoding="utf-8")
    plot_scatter(folder / "scatter.png", predictions.scores, dataset.scores, f"{predictions.ref} on {dataset.name}")
    if predictions.spreads.any():
        plot_spread(folder / "spread.png", predictions.scores, dataset.scores, predictions.spreads)


def _figures(dataset: Dataset, predictions: Predictions) -> Figures:
    if not predictions.spreads.any():
        return figures(predictions.scores, dataset.scores)
    calibration = predictions.calibration or NORMAL_CALIBRATION
    spread = judge_spread(
        predictions.scores, dataset.scores, predictions.spreads, calibration.factor, calibration.coverage
    )
    return figures(predictions.scores, dataset.scores, spread)
