"""Plots for run folders and evaluations, drawn without a display."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.evaluation.metrics import Values
from training.heads.fitting import Selection

_INK, _SHADE = "#1f3a5f", "#c8d5e6"
_SPREAD_GROUPS = 8

mpl.use("agg")


def plot_scatter(path: Path, predictions: Values, scores: Values, title: str, against: str = "people") -> None:
    """Predictions against the scores of people, or of another model, with the line on which they would be equal."""
    figure, axes = _figure(title)
    axes.scatter(predictions, scores, s=8, alpha=0.4, color=_INK, linewidths=0)
    low, high = min(predictions.min(), scores.min()), max(predictions.max(), scores.max())
    axes.plot([low, high], [low, high], color="grey", linewidth=1)
    axes.set(xlabel="predicted", ylabel=against)
    _save(figure, path)


def plot_spread(path: Path, predictions: Values, scores: Values, spreads: Values) -> None:
    """The error that photos of about the same spread really have: on the line, the spread is the standard error."""
    figure, axes = _figure("What the spread says about the error")
    groups = [group for group in np.array_split(np.argsort(spreads), _SPREAD_GROUPS) if group.size]
    expected = [spreads[group].mean() for group in groups]
    found = [np.sqrt(np.mean((predictions[group] - scores[group]) ** 2)) for group in groups]
    axes.plot(expected, expected, color="grey", linewidth=1)
    axes.plot(expected, found, "o", color=_INK)
    axes.set(xlabel="spread (mean of the group)", ylabel="root mean squared error")
    _save(figure, path)


def plot_learning_curve(path: Path, curve: Sequence[tuple[int, float]]) -> None:
    """Rank correlation against the number of photos that were trained on: would more of them help?"""
    figure, axes = _figure("Would more photos help?")
    axes.plot(*zip(*curve, strict=True), "o-", color=_INK)
    axes.set(xscale="log", xlabel="photos trained on", ylabel="Spearman on a held-out fold")
    _save(figure, path)


def plot_penalties(path: Path, selections: Sequence[Selection]) -> None:
    """What each penalty reached in the inner cross-validation of each fold."""
    figure, axes = _figure("Choice of the penalty, one line a fold")
    for selection in selections:
        axes.plot(selection.penalties, selection.spearman, color=_SHADE)
        axes.plot(selection.chosen, max(selection.spearman), "o", color=_INK)
    axes.set(xscale="log", xlabel="penalty", ylabel="Spearman on inner folds")
    _save(figure, path)


def plot_epochs(path: Path, trainings: Sequence[tuple[str, Sequence[float], Sequence[float]]]) -> None:
    """Mean squared errors by epoch, of several trainings: of what is trained on, and of what decides when to stop.

    Args:
        path: of the picture.
        trainings: name, errors on batches, errors on the validation part, which may begin an epoch earlier, before the
            first batch; the last is drawn in front.
    """
    figure, axes = _figure("Error by epoch, on trained photos (dashed) and on others")
    for name, trained, validated in trainings:
        colour = _INK if name == trainings[-1][0] else _SHADE
        end = len(trained) + 1
        axes.plot(range(1, end), trained, "--", color=colour)
        axes.plot(range(end - len(validated), end), validated, "o-", color=colour, markersize=3, label=name)
    axes.set(yscale="log", xlabel="epoch", ylabel="mean squared error")
    axes.legend()
    _save(figure, path)


def _figure(title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, fontsize=10)
    return figure, axes


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=120, metadata={"Software": None})
