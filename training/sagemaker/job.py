"""A job from its channels to the run in its model folder; what goes wrong becomes the job's failure reason."""

import logging
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from model_store.errors import MemorabilityError
from model_store.store import ModelStore
from training.data import load_dataset
from training.errors import InterruptedTrainingError, TrainingError
from training.features.extraction import OnProgress, Progress
from training.jobs import Folders, run_job
from training.runs import Run
from training.sagemaker.environment import MAX_FAILURE_CHARACTERS, ROOT, Environment
from training.sagemaker.hyperparameters import Hyperparameters

logger = logging.getLogger(__name__)

SUCCEEDED, FAILED, INTERRUPTED = 0, 1, 128 + signal.SIGTERM
_LOG_SECONDS = 60.0


def run(arguments: Sequence[str], variables: Mapping[str, str], root: Path = ROOT) -> int:
    """Runs a job; returns the exit status of its process.

    Args:
        arguments: of the command line.
        variables: of the process's environment.
        root: below which SageMaker's folders lie.
    """
    environment = Environment.read(variables, root)
    try:
        finished = _train(environment, Hyperparameters.read(environment.hyperparameters, arguments))
    except InterruptedTrainingError as interruption:
        logger.warning("%s; the next instance goes on from there", interruption)
        return INTERRUPTED
    except Exception as error:
        logger.exception("the job has failed")
        expected = isinstance(error, MemorabilityError)
        _write_failure(environment.failure, str(error) if expected else f"{type(error).__name__}: {error}")
        return FAILED
    logger.info("spearman=%.4f n=%d", finished.record.cross_validation.spearman, finished.record.cross_validation.n)
    return SUCCEEDED


def _train(environment: Environment, wanted: Hyperparameters) -> Run:
    job = wanted.job()
    for channel, folder in {"training": environment.photos, "store": environment.store}.items():
        if not folder.is_dir():
            raise TrainingError(f"the job has no channel {channel!r}: there is no folder {folder}")
    progress = _log_progress(time.monotonic)
    with tempfile.TemporaryDirectory() as scratch:
        # Decoded photos are quickly made anew; features cost most of the time that heads take.
        cache = Path(scratch) if job.fine_tune else environment.checkpoints
        folders = Folders(environment.model / job.name, cache, environment.checkpoints)
        dataset = load_dataset(
            environment.photos,
            lamem_split=wanted.lamem_split,
            on_photo=lambda done, total: progress(Progress("checking photos", done, total)),
        )
        should_stop = _stop_on_sigterm() if job.fine_tune else lambda: False
        finished = run_job(ModelStore(environment.store), dataset, job, folders, progress, should_stop)
    shutil.copytree(finished.folder, environment.output, ignore=shutil.ignore_patterns("model"), dirs_exist_ok=True)
    return finished


def _stop_on_sigterm() -> Callable[[], bool]:
    """Whether SageMaker has asked the job to end, which it does two minutes before it takes a spot instance away."""
    asked = False

    def note(_signal: int, _frame: object) -> None:
        nonlocal asked
        asked = True

    signal.signal(signal.SIGTERM, note)
    return lambda: asked


def _log_progress(clock: Callable[[], float]) -> OnProgress:
    said: tuple[str, float] = ("", 0.0)

    def log(progress: Progress) -> None:
        nonlocal said
        if progress.step != said[0] or clock() - said[1] >= _LOG_SECONDS:
            said = (progress.step, clock())
            left = "" if progress.seconds_left is None else f", {progress.seconds_left:.0f} s left"
            logger.info("%s: %d of %d%s", progress.step, progress.done, progress.total, left)

    return log


def _write_failure(file: Path, reason: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(reason[:MAX_FAILURE_CHARACTERS], encoding="utf-8")
