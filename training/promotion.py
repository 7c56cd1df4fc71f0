"""Whether a run is better than what is there, on photos that neither has seen.

A run's own predictions are those of its cross-validation. Of another run, those of its cross-validation count too. A
published network that knows nothing of the data scores the photos now. Published heads cannot be compared so: the
photos may be those that they were trained on, which would flatter them; their run can.
"""

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from model_store.models.registry import architectures
from model_store.runtime.ensembles import EnsembleSpec
from model_store.store import Manifest
from training.data import Dataset
from training.describing import dataset_digest
from training.errors import TrainingError
from training.evaluation.evaluating import Difference, Predictions
from training.evaluation.metrics import Values, compare, spearman
from training.runs import PREDICTIONS_FILE, Run
from training.training import OPEN_SPLITS

MINIMUM_PHOTOS = 20  # with fewer in common, the interval of a difference says nothing


class NotBetterError(TrainingError):
    """A run that is not shown to be better than what is there."""


class Verdict(BaseModel):
    """A run against another model on photos that neither has seen.

    Attributes:
        model: name of the run.
        n: photos.
        spearman: of the run's held-out predictions.
        other_spearman: of the other's predictions.
        difference: of the two, paired.
    """

    model_config = ConfigDict(frozen=True)

    model: str
    n: int
    spearman: float
    other_spearman: float
    difference: Difference

    @property
    def is_better(self) -> bool:
        """Whether all of the 95 % interval of the difference lies above 0."""
        return self.difference.ci95[0] > 0

    def __str__(self) -> str:
        """Both figures, and their difference with its interval."""
        low, high = self.difference.ci95
        return (
            f"{self.model} reaches Spearman {self.spearman:.3f} and {self.difference.against} "
            f"{self.other_spearman:.3f} on {self.n:,} photos that neither had seen: "
            f"{self.difference.difference:+.3f} ({low:+.3f} to {high:+.3f})"
        )


@dataclass(frozen=True)
class HeldOut:
    """A run's predictions of photos by heads that did not see them, by the photo's name."""

    names: tuple[str, ...]
    scores: Values
    predictions: Values

    def rows(self, names: Sequence[str]) -> list[int]:
        """Where photos stand."""
        places = {name: row for row, name in enumerate(self.names)}
        return [places[name] for name in names]


def require_better(verdict: Verdict) -> None:
    """Refuses a run whose advantage may be chance.

    Raises:
        NotBetterError: the message has both figures and the interval of their difference.
    """
    if not verdict.is_better:
        raise NotBetterError(f"Nothing was published: {verdict}; all of the interval would have to lie above 0.")


def read_held_out(run: Run) -> HeldOut:
    """The held-out predictions in a run's folder.

    Raises:
        TrainingError: they are missing or damaged.
    """
    path = run.folder / PREDICTIONS_FILE
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [(row["file"], float(row["score"]), float(row["prediction"])) for row in csv.DictReader(file)]
    except (OSError, ValueError, TypeError, KeyError, csv.Error) as error:
        raise TrainingError(f"{path} does not hold the run's held-out predictions ({error}); train it again") from error
    if len(rows) != (measured := run.record.cross_validation.n):
        raise TrainingError(f"{path} has {len(rows)} of the {measured} photos that were measured; train it again")
    names, scores, predictions = zip(*rows, strict=True)
    return HeldOut(names, np.array(scores), np.array(predictions))


def compare_with_run(run: Run, other: Run) -> Verdict:
    """Compares two runs on the photos that both have, by the predictions of heads that did not see them.

    Raises:
        TrainingError: they have too few photos in common, disagree on their scores, or predict different measures.
    """
    if run.description.measure is not other.description.measure:
        raise TrainingError(f"{run.folder} predicts {run.description.measure}, {other.folder} another measure")
    mine, others = read_held_out(run), read_held_out(other)
    known = set(others.names)
    common = [name for name in mine.names if name in known]
    if len(common) < MINIMUM_PHOTOS:
        raise TrainingError(
            f"{run.folder} and {other.folder} have {len(common)} photos in common; at least {MINIMUM_PHOTOS} are needed"
        )
    left, right = mine.rows(common), others.rows(common)
    if not np.array_equal(mine.scores[left], others.scores[right]):
        raise TrainingError(f"{run.folder} and {other.folder} give photos of the same name different scores")
    return _verdict(run, str(other.folder), mine.predictions[left], others.predictions[right], mine.scores[left])


def held_out_photos(run: Run, dataset: Dataset) -> Dataset:
    """The photos of a data set that a run was measured on, in the run's order.

    Raises:
        TrainingError: the run was trained or measured on other data.
    """
    photos = {example.name: example for example in dataset.examples}
    names = read_held_out(run).names
    source = run.description.provenance.source_sha256
    if dataset_digest(dataset.only(OPEN_SPLITS)) != source or not photos.keys() >= set(names):
        raise TrainingError(
            f"{dataset.name} is not the data that {run.folder} was trained on: name that with --on, or train again"
        )
    return Dataset(dataset.name, tuple(photos[name] for name in names))


def require_unseen(spec: EnsembleSpec) -> None:
    """Refuses heads, fine-tuned networks and students as what a run is compared with: they may have seen the photos.

    Raises:
        TrainingError: the model is one, or the ensemble has such a member.
    """
    trained = [ref for ref, manifest in spec.manifests.items() if _has_learned(manifest)]
    if trained:
        raise TrainingError(
            f"{', '.join(trained)} may have been trained on these photos, which would flatter what it says of them: "
            "name the folder of its run instead, whose predictions are of photos that it did not see"
        )


def _has_learned(manifest: Manifest) -> bool:
    """Whether a model was trained by this software, on whatever photos; students may learn from such models."""
    return bool(manifest.fine_tuned_from) or manifest.architecture not in architectures()


def compare_with_model(run: Run, photos: Dataset, predictions: Predictions) -> Verdict:
    """Compares a run with what a model that did not train on its photos says of them.

    Args:
        run: whose held-out predictions count.
        photos: see `held_out_photos`.
        predictions: of the model, for these.
    """
    return _verdict(run, predictions.ref, read_held_out(run).predictions, predictions.scores, photos.scores)


def _verdict(run: Run, against: str, mine: Values, others: Values, scores: Values) -> Verdict:
    return Verdict(
        model=run.record.name,
        n=len(scores),
        spearman=spearman(mine, scores),
        other_spearman=spearman(others, scores),
        difference=Difference(against=against, **asdict(compare(mine, others, scores))),
    )
