"""Writes the folder of a run that fine-tuned a network; see `training.runs` for what lies in it."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from model_store.store import ModelDescription
from training.data import Dataset
from training.epochs import curves
from training.evaluation.plots import plot_epochs, plot_scatter
from training.fine_tuning.card import network_card
from training.fine_tuning.results import HeldOut, StageResult
from training.fine_tuning.stages import Stage
from training.lineage import Digests, write_seen
from training.runs import PREDICTIONS_FILE, SEEN_FILE, RunRecord
from training.writing import replace_run, write_documents

EPOCHS_FILE = "epochs.csv"


@dataclass(frozen=True)
class NetworkOutcome:
    """All that a run has to tell.

    Attributes:
        record: figures and configuration.
        description: what the manifest will say.
        stored: parameters of the network, as they are stored.
        dataset: all of it.
        held_out: predictions of its photos by networks that did not see them.
        stages: the trainings.
        results: of each.
    """

    record: RunRecord
    description: ModelDescription
    stored: Mapping[str, np.ndarray] = field(repr=False)
    dataset: Dataset
    held_out: HeldOut
    stages: Sequence[Stage]
    results: Sequence[StageResult]


def write_network_run(folder: Path, outcome: NetworkOutcome, seen: Digests) -> None:
    """Writes a run's folder; it appears whole or not at all, in place of an earlier run.

    Args:
        folder: of the run.
        outcome: all that it has to tell.
        seen: photos that the network has learned from.
    """
    replace_run(folder, lambda staging: _fill(staging, outcome, seen))


def _fill(folder: Path, outcome: NetworkOutcome, seen: Digests) -> None:
    held_out = outcome.held_out
    scores = outcome.dataset.scores[held_out.rows]
    plot_scatter(folder / "scatter.png", held_out.predictions, scores, "Photos that the network did not see")
    trainings = zip(outcome.stages, outcome.results, strict=True)
    plot_epochs(folder / "training.png", [(stage.name, *curves(result.epochs)) for stage, result in trainings])
    _write_epochs(folder / EPOCHS_FILE, outcome)
    _write_predictions(folder / PREDICTIONS_FILE, outcome)
    card = network_card(outcome.record, outcome.description, outcome.results[-1].epochs)
    write_documents(folder, outcome.record, outcome.description, outcome.stored, card)
    write_seen(folder / "model" / SEEN_FILE, seen)


def _write_epochs(path: Path, outcome: NetworkOutcome) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["training", "epoch", "loss", "validation_loss", "validation_spearman"])
        for stage, result in zip(outcome.stages, outcome.results, strict=True):
            for number, epoch in enumerate(result.epochs):
                loss = "" if epoch.loss is None else f"{epoch.loss:.6f}"
                judged = (epoch.validation_loss, epoch.validation_spearman)
                rows.writerow([stage.name, number, loss, *(f"{value:.6f}" for value in judged)])


def _write_predictions(path: Path, outcome: NetworkOutcome) -> None:
    held_out = outcome.held_out
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "score", "prediction", "training"])
        for row, prediction, stage in zip(held_out.rows, held_out.predictions, held_out.stages, strict=True):
            example = outcome.dataset.examples[row]
            rows.writerow([example.name, f"{example.score:.6f}", f"{prediction:.6f}", outcome.stages[stage - 1].name])
