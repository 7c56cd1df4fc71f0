"""What the commands share of a terminal: results on standard output, everything else on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

out = Console(highlight=False)
err = Console(stderr=True, highlight=False, soft_wrap=True)  # a message stays one line, and its paths whole


@contextmanager
def step_progress() -> Iterator["StepProgress"]:
    """Shows one long step after another; a step with a known total gets a bar in bytes."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(
        *columns, TimeRemainingColumn(), console=err, transient=True, disable=not err.is_terminal
    ) as progress:
        yield StepProgress(progress)


class StepProgress:
    """A `Report` of `model_store.importing`, drawn."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._current = ""
        self._task = progress.add_task("", total=None, visible=False)

    def __call__(self, step: str, done: int, total: int | None) -> None:
        """Draws how far a step is; a new step is also printed, so that a log without a terminal shows it."""
        if step != self._current:
            self._current = step
            self._progress.reset(self._task, description=step, total=total, visible=True)
            if not err.is_terminal:
                err.print(f"{step} …")
        self._progress.update(self._task, completed=done, total=total)


@contextmanager
def photo_progress(total: int, doing: str = "Scoring") -> Iterator[Progress]:
    """A bar that counts photos; `advance` its only task, whose id is 0."""
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        progress.add_task(doing, total=total)
        yield progress
