"""Writes the folder of a finished run; see `training.runs` for what lies in it."""

import csv
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_store.store import ModelDescription
from model_store.store.atomic import new_staging_path
from model_store.store.layout import PARAMETERS_FILE
from model_store.store.tensors import write_tensors
from training.card import model_card
from training.data import Example
from training.errors import TrainingError
from training.evaluation.metrics import Values
from training.evaluation.plots import plot_learning_curve, plot_penalties, plot_scatter, plot_spread
from training.heads.cross_validation import CrossValidation
from training.heads.fitting import TrainedHeads
from training.runs import CARD_FILE, DESCRIPTION_FILE, PREDICTIONS_FILE, RUN_FILE, RunRecord


@dataclass(frozen=True)
class Outcome:
    """All that a run has to tell.

    Attributes:
        record: figures and configuration.
        description: what the manifest will say.
        heads: the model.
        examples: that it was trained on.
        scores: of people, for these.
        validation: held-out predictions, for these.
    """

    record: RunRecord
    description: ModelDescription
    heads: TrainedHeads
    examples: Sequence[Example]
    scores: Values
    validation: CrossValidation


def require_replaceable(folder: Path) -> None:
    """Refuses a folder that holds anything but a run.

    Raises:
        TrainingError: it does.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / RUN_FILE).exists():
        raise TrainingError(f"{folder} holds other things than a run; name another folder with --out")


def write_run(folder: Path, outcome: Outcome) -> None:
    """Writes the folder of a run that trained heads; it appears whole or not at all, in place of an earlier run."""
    replace_run(folder, lambda staging: _fill(staging, outcome))


def replace_run(folder: Path, fill: Callable[[Path], None]) -> None:
    """Makes a run's folder appear whole, in place of an earlier run, or not at all.

    Args:
        folder: of the run.
        fill: writes a run into the empty folder that it is given.
    """
    require_replaceable(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = new_staging_path(folder.parent)
    staging.mkdir()
    try:
        fill(staging)
        earlier = new_staging_path(folder.parent)
        if folder.exists():
            folder.rename(earlier)  # killed between the two, a person still finds it
        staging.rename(folder)
        shutil.rmtree(earlier, ignore_errors=True)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def write_documents(
    folder: Path, record: RunRecord, description: ModelDescription, stored: Mapping[str, np.ndarray], card: str
) -> None:
    """Writes what the folder of every run holds.

    Args:
        folder: which is there.
        record: of the run.
        description: what the manifest will say.
        stored: the parameters, as they are stored.
        card: in Markdown.
    """
    model = folder / "model"
    model.mkdir()
    write_tensors(model / PARAMETERS_FILE, stored)
    (model / DESCRIPTION_FILE).write_text(description.model_dump_json(indent=2) + "\n", encoding="utf-8")
    (folder / CARD_FILE).write_text(card, encoding="utf-8")
    (folder / RUN_FILE).write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _fill(folder: Path, outcome: Outcome) -> None:
    validation = outcome.validation
    plot_scatter(folder / "scatter.png", validation.means, outcome.scores, "Photos that the heads did not see")
    plot_spread(folder / "spread.png", validation.means, outcome.scores, validation.spreads)
    plot_learning_curve(folder / "learning_curve.png", validation.learning_curve)
    plot_penalties(folder / "penalties.png", validation.selections)
    _write_predictions(folder / PREDICTIONS_FILE, outcome)
    card = model_card(outcome.record, outcome.description)
    write_documents(folder, outcome.record, outcome.description, outcome.heads.narrowed(), card)


def _write_predictions(path: Path, outcome: Outcome) -> None:
    validation = outcome.validation
    heads = [f"head_{head}" for head in range(1, validation.predictions.shape[1] + 1)]
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "score", "prediction", "spread", "fold", *heads])
        values = zip(
            outcome.examples,
            outcome.scores,
            validation.means,
            validation.spreads,
            validation.folds,
            validation.predictions,
            strict=True,
        )
        for example, score, mean, spread, fold, each in values:
            numbers = [f"{number:.6f}" for number in (score, mean, spread)]
            rows.writerow([example.name, *numbers, fold, *(f"{number:.6f}" for number in each)])
