"""Runs all trainings of a run, each at most once, and says how much time is left."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from model_store.models.checkpoints import unflatten
from training.features.extraction import OnProgress, Progress
from training.fine_tuning.batches import count_steps
from training.fine_tuning.fitting import OnStep, Trainer
from training.fine_tuning.results import StageResult
from training.fine_tuning.settings import FineTuneSettings
from training.fine_tuning.stages import Stage


@dataclass(frozen=True)
class Trainings:
    """What came of all trainings.

    Attributes:
        parameters: of the published network, by path, float32.
        results: of each stage.
    """

    parameters: dict[str, np.ndarray] = field(repr=False)
    results: tuple[StageResult, ...]


def run_stages(
    trainer: Trainer,
    stages: Sequence[Stage],
    initial: dict[str, np.ndarray],
    settings: FineTuneSettings,
    folder: Path,
    on_progress: OnProgress,
) -> Trainings:
    """Trains what was not trained before the run was cut off.

    Args:
        trainer: see there.
        stages: the published one last.
        initial: parameters by path, which each training begins with.
        settings: of the run.
        folder: for results and checkpoints. Those of the published training stay until the run is written.
        on_progress: told how far all of them are together.

    Raises:
        TrainingError: as `Trainer.train` says.
    """
    *measuring, published = stages
    pace = _Pace.of(stages, settings, on_progress)
    results = []
    for number, stage in enumerate(measuring):
        path = folder / f"{stage.slug}.json"
        result = StageResult.read(path)
        if result is None:
            result, _ = _run(trainer, stage, initial, folder, pace.in_stage(number))
            result.write(path)
        shutil.rmtree(folder / stage.slug, ignore_errors=True)
        results.append(result)
    result, parameters = _run(trainer, published, initial, folder, pace.in_stage(len(measuring)))
    return Trainings(parameters, (*results, result))


def _run(
    trainer: Trainer, stage: Stage, initial: dict[str, np.ndarray], folder: Path, on_step: OnStep
) -> tuple[StageResult, dict[str, np.ndarray]]:
    trained = trainer.train(stage, initial, folder / stage.slug, on_step)
    result = StageResult(
        epochs=trained.epochs,
        predictions=tuple(trainer.predict(trained.params, stage.measured)),
        published=tuple(trainer.predict(unflatten(initial), stage.measured)),
    )
    return result, trained.parameters


@dataclass(frozen=True)
class _Pace:
    """Tells of progress over all stages.

    Attributes:
        names: of the stages.
        steps: updates of each at most; a training that stops early makes the run that much shorter.
        on_progress: is told.
    """

    names: tuple[str, ...]
    steps: tuple[int, ...]
    on_progress: OnProgress

    @classmethod
    def of(cls, stages: Sequence[Stage], settings: FineTuneSettings, on_progress: OnProgress) -> "_Pace":
        steps = tuple(settings.epochs * count_steps(len(stage.train), settings.batch) for stage in stages)
        return cls(tuple(stage.name for stage in stages), steps, on_progress)

    def in_stage(self, number: int) -> OnStep:
        """Says that a stage begins, and tells of its updates."""
        name, before, total = f"training, {self.names[number]}", sum(self.steps[:number]), sum(self.steps)
        self.on_progress(Progress(name, before, total))
        first: list[tuple[int, float]] = []

        def tell(step: int, _of: int) -> None:
            done, now = before + step, time.monotonic()
            if not first:
                first.append((done, now))  # it holds the compilation, which is no measure of the pace
            since, at = first[0]
            left = (now - at) / (done - since) * (total - done) if done > since else None
            self.on_progress(Progress(name, done, total, left))

        return tell
