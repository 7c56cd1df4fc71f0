"""`memorability evaluate`: how well a model or an ensemble agrees with people's scores."""

import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from memorability.console import err, out
from memorability.datasets import (
    DataArgument,
    LamemOption,
    MeasureOption,
    load_data,
    predict_dataset,
    training_progress,
)
from memorability.options import JsonOption, StoreOption

if TYPE_CHECKING:
    from training.evaluation.evaluating import Evaluation
    from training.runs import Figures

EPILOG = """Examples:

  memorability evaluate live photos/

  memorability evaluate scenes scores.csv --against resmem --out results/
"""


class SplitOption(StrEnum):
    """Splits of a data set."""

    TRAIN = "train"
    VALIDATION = "val"
    TEST = "test"


def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model, an ensemble or an alias.")],
    data: DataArgument,
    store: StoreOption,
    against: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Another one, to be compared with on the same photos.")
    ] = None,
    measure: Annotated[MeasureOption | None, typer.Option(help="Of an ensemble that has several.")] = None,
    split: Annotated[SplitOption | None, typer.Option(help="Only photos of this split.")] = None,
    output: Annotated[
        Path | None, typer.Option("--out", file_okay=False, help="Also write figures and plots to this folder.")
    ] = None,
    lamem_split: LamemOption = 1,
    json: JsonOption = False,
) -> None:
    """Compare a model's scores with people's: rank correlation with its interval, error, spread, by group.

    Photos that a model was trained on flatter it: keep some apart, in a `test` split for instance.
    """
    from model_store.store import Measure, ModelStore
    from training.data import Split
    from training.errors import TrainingError
    from training.evaluation import evaluating

    models = ModelStore(store)
    with training_progress(time.monotonic) as progress:
        dataset = load_data(data, lamem_split, progress)
        if split:
            dataset = dataset.only((Split(split),))
        if len(dataset.examples) < 2:
            raise TrainingError(f"{data} gives {len(dataset.examples)} photos to evaluate on; at least 2 are needed")
        chosen = Measure(measure) if measure else None
        predictions = predict_dataset(models, model, dataset, chosen, progress)
        other = predict_dataset(models, against, dataset, predictions.measure, progress) if against else None
    evaluation = evaluating.evaluate(dataset, predictions, other)
    if output:
        evaluating.write_evaluation(output, dataset, predictions, evaluation)
        err.print(f"Evaluation: {output}")
    if json:
        sys.stdout.write(evaluation.model_dump_json() + "\n")
    else:
        _print(evaluation)


def _print(evaluation: "Evaluation") -> None:
    table = Table("", "photos", "Spearman", "95 % interval", "Pearson", "mean squared error", "spread", "intervals")
    _add(table, evaluation.model, evaluation.figures)
    for group, figures in evaluation.groups.items():
        _add(table, f"  {group}", figures)
    if evaluation.comparison and evaluation.other:
        _add(table, evaluation.comparison.against, evaluation.other)
    table.caption = "spread: its rank correlation with the error; intervals: scores of people inside, of intended"
    out.print(table)
    if difference := evaluation.comparison:
        low, high = difference.ci95
        out.print(
            f"{evaluation.model} less {difference.against}: {difference.difference:+.3f} "
            f"({low:+.3f} to {high:+.3f}), p = {difference.p_value:.3g}"
        )


def _add(table: Table, name: str, figures: "Figures") -> None:
    low, high = figures.ci95
    cells = [f"{figures.n:,}", f"{figures.spearman:.3f}", f"{low:.3f} to {high:.3f}", f"{figures.pearson:.3f}"]
    cells.append(f"{figures.mse:.4f}")
    if figures.spread_error_correlation is not None and figures.interval_coverage is not None:
        cells.append(f"{figures.spread_error_correlation:.2f}")
        cells.append(f"{figures.interval_coverage:.1%} of {figures.interval_intended:.0%}")
    table.add_row(escape(name), *cells)
