"""What the commands that read scored photos share: arguments, reading, and a bar that shows the time left."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from memorability.console import err

if TYPE_CHECKING:
    from model_store.store import Measure, ModelStore
    from training.data import Dataset
    from training.evaluation.evaluating import Predictions
    from training.features.extraction import OnProgress
    from training.features.extraction import Progress as Step

_LOG_SECONDS = 60.0  # a log without a terminal gets a line a minute


class MeasureOption(StrEnum):
    """What scores of people are."""

    HIT_RATE = "hit_rate"
    FALSE_ALARM_RATE = "false_alarm_rate"


DataArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        exists=True,
        help="Folder of photos with one CSV (file,score[,hits,trials][,split][,group]) or JSON Lines file, that file, "
        "or LaMem's folder.",
    ),
]
LamemOption = Annotated[int, typer.Option(min=1, max=5, help="Which of LaMem's five splits.")]


def load_data(data: Path, lamem_split: int, progress: "OnProgress") -> "Dataset":
    """Reads and checks a data set, showing how far it is."""
    from training.data import load_dataset
    from training.features.extraction import Progress

    step = f"checking {data.resolve().name}"
    return load_dataset(
        data, lamem_split=lamem_split, on_photo=lambda done, total: progress(Progress(step, done, total))
    )


def predict_dataset(
    store: "ModelStore", ref: str, dataset: "Dataset", measure: "Measure | None", progress: "OnProgress"
) -> "Predictions":
    """Scores a data set with a model, an ensemble or an alias, showing how far it is."""
    from training.evaluation.evaluating import find_spec, predict
    from training.features.extraction import Progress

    spec = find_spec(store, ref)
    done = 0

    def advance() -> None:
        nonlocal done
        done += 1
        progress(Progress(f"scoring with {spec.ref}", done, len(dataset.examples)))

    return predict(spec, dataset, measure, advance)


@contextmanager
def training_progress(clock: Callable[[], float]) -> Iterator["OnProgress"]:
    """Shows one step after another, with the time that is left; without a terminal, in lines.

    Args:
        clock: seconds that only grow.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("", total=None, visible=False, left="")
        said: tuple[str, float] = ("", 0.0)

        def show(step: "Step") -> None:
            nonlocal said
            left = "" if step.seconds_left is None else f"{timedelta(seconds=round(step.seconds_left))} left"
            bar.update(task, description=step.step, completed=step.done, total=step.total, left=left, visible=True)
            if not err.is_terminal and (step.step != said[0] or clock() - said[1] >= _LOG_SECONDS):
                said = (step.step, clock())
                err.print(f"{step.step}: {step.done} of {step.total} {left}".rstrip())

        yield show
