"""Writes the folder of a run that trained a student; see `training.runs` for what lies in it."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from model_store.store import ModelDescription
from training.data import Example
from training.distillation.describing import has_curve, student_card
from training.epochs import Epoch, curves
from training.evaluation.metrics import Values
from training.evaluation.plots import plot_epochs, plot_scatter
from training.runs import PREDICTIONS_FILE, RunRecord
from training.writing import replace_run, write_documents


@dataclass(frozen=True)
class StudentOutcome:
    """All that a run has to tell.

    Attributes:
        record: figures and configuration.
        description: what the manifest will say.
        stored: parameters of the network, as they are stored.
        examples: that were held out.
        teachers: the teacher's scores of these.
        scores: the student's.
        epochs: of the training, the beginning first.
    """

    record: RunRecord
    description: ModelDescription
    stored: Mapping[str, np.ndarray] = field(repr=False)
    examples: Sequence[Example] = field(repr=False)
    teachers: Values = field(repr=False)
    scores: Values = field(repr=False)
    epochs: Sequence[Epoch]


def write_student_run(folder: Path, outcome: StudentOutcome) -> None:
    """Writes a run's folder; it appears whole or not at all, in place of an earlier run."""
    replace_run(folder, lambda staging: _fill(staging, outcome))


def _fill(folder: Path, outcome: StudentOutcome) -> None:
    (teacher,) = outcome.record.trunks
    title = "Photos that the student did not see"
    plot_scatter(folder / "scatter.png", outcome.scores, outcome.teachers, title, against=teacher)
    if has_curve(outcome.record):
        plot_epochs(folder / "training.png", [(outcome.record.name, *curves(outcome.epochs))])
    _write_predictions(folder / PREDICTIONS_FILE, outcome)
    card = student_card(outcome.record, outcome.description)
    write_documents(folder, outcome.record, outcome.description, outcome.stored, card)


def _write_predictions(path: Path, outcome: StudentOutcome) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "score", "prediction"])
        for example, teacher, score in zip(outcome.examples, outcome.teachers, outcome.scores, strict=True):
            rows.writerow([example.name, f"{teacher:.6f}", f"{score:.6f}"])
