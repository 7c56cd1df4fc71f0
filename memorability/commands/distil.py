"""`memorability distil`: a small network that gives about a large one's scores, in a tenth of the time."""

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from memorability.commands.score import print_licence
from memorability.console import err, out
from memorability.datasets import training_progress
from memorability.options import CacheOption, JsonOption, StoreOption

if TYPE_CHECKING:
    from training.runs import Run

EPILOG = """Examples:

  memorability distil --teacher resmem archive/ --name quick

  memorability distil --teacher scenes archive/ --name quicker --epochs 0
"""
TRAINING = "Training"


def distil(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGES...", exists=True, help="Photos, or folders of them.")],
    name: Annotated[str, typer.Option(metavar="NAME", help="Name of the model.")],
    store: StoreOption,
    cache: CacheOption,
    teacher: Annotated[str, typer.Option(metavar="REF", help="Published model whose scores are learned.")] = "resmem",
    student: Annotated[
        str,
        typer.Option(metavar="ARCH", help="efficientnet-lite0, efficientnet-lite1, efficientnet-lite2 (slowest)."),
    ] = "efficientnet-lite0",
    size: Annotated[
        int | None,
        typer.Option(
            min=32,
            show_default="224, or 256 for -lite2",
            help="Side of what it sees in pixels, a multiple of 32.",
        ),
    ] = None,
    run: Annotated[
        Path | None, typer.Option("--out", file_okay=False, show_default="runs/NAME", help="Folder of the run.")
    ] = None,
    crops: Annotated[
        int | None,
        typer.Option(
            min=0, show_default="1", rich_help_panel=TRAINING, help="Parts of each photo that are learned as well."
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=0,
            show_default="3",
            rich_help_panel=TRAINING,
            help="How often each photo is seen; 0 fits the score alone.",
        ),
    ] = None,
    batch: Annotated[int | None, typer.Option(min=1, rich_help_panel=TRAINING, help="Photos in one update.")] = None,
    learning_rate: Annotated[float | None, typer.Option(rich_help_panel=TRAINING, help="At its peak.")] = None,
    first_stage: Annotated[
        int | None,
        typer.Option(min=1, max=7, rich_help_panel=TRAINING, help="First stage of the student that is trained."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")] = 0,
    json: JsonOption = False,
) -> None:
    """Train a small network to give a published model's scores, on photos that nobody has scored.

    A fifth of the photos is held out and says how well the two agree. What the teacher sees is kept in the cache: a run
    that was cut off goes on where it stopped. `memorability models publish` publishes the run.
    """
    from memorability.paths import find_files
    from model_store.store import ModelStore
    from model_store.store.references import Ref
    from training.distillation.distil import distil as train_student
    from training.distillation.outcome import DistilOptions
    from training.distillation.photos import look_at
    from training.distillation.settings import DistilSettings

    Ref(name)
    chosen = {
        "crops": crops,
        "epochs": epochs,
        "batch": batch,
        "learning_rate": learning_rate,
        "first_stage": first_stage,
    }
    given: dict[str, Any] = {key: value for key, value in chosen.items() if value is not None}
    options = DistilOptions(name, teacher, student, size, replace(DistilSettings(seed=seed), **given))
    with training_progress(time.monotonic) as progress:
        photos = look_at(find_files(images), " and ".join(path.resolve().name for path in images), progress)
        trained = train_student(ModelStore(store), photos, options, cache, run or Path("runs") / name, progress)
    for problem in photos.unreadable:
        err.print(f"left out  {escape(problem)}")
    if json:
        sys.stdout.write(trained.record.model_dump_json() + "\n")
    else:
        _print_run(trained)


def _print_run(run: "Run") -> None:
    from training.distillation.describing import describe_speed

    record, found = run.record, run.record.cross_validation
    (teacher,) = record.trunks
    low, high = found.ci95
    out.print(
        f"{escape(record.name)} agrees with {teacher}: Spearman [bold]{found.spearman:.3f}[/] ({low:.3f} to "
        f"{high:.3f}), Pearson {found.pearson:.3f}, mean absolute difference "
        f"{found.mean_absolute_difference or 0:.3f}, on {found.n:,} photos that it did not see"
    )
    if record.speed:
        out.print(describe_speed(record.speed, teacher))
    print_licence(record.name, run.description.licence)
    err.print(f"Run: {run.folder} (read {run.folder / 'MODEL_CARD.md'})")
