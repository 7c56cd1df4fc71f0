"""A fine-tuning run from start to end: trainings that measure, the one that is published, and the run's folder."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from model_store.images import Preprocessing
from model_store.store import Manifest, ModelStore
from training.data import Dataset
from training.errors import TrainingError
from training.features.extraction import OnProgress
from training.fine_tuning.fitting import Photos, Trainer
from training.fine_tuning.network import HEAD, read_network
from training.fine_tuning.outcome import FineTuneOptions, tell_outcome
from training.fine_tuning.settings import FineTuneSettings
from training.fine_tuning.squares import open_squares
from training.fine_tuning.stages import plan_stages
from training.fine_tuning.trainings import run_stages
from training.fine_tuning.writing import write_network_run
from training.lineage import require_unseen_by, seen_photos
from training.runs import Run
from training.training import MINIMUM_PHOTOS, OPEN_SPLITS
from training.work import working_in
from training.writing import require_replaceable

_CHECKPOINT_FORMAT = 2  # since the beginning is judged like an epoch, what lies there from before means something else


@dataclass(frozen=True)
class WorkFolders:
    """Where a run keeps what it needs until it is done.

    Attributes:
        photos: for photos, decoded.
        checkpoints: for what the trainings came to; where the machine may be taken away, a folder that outlives it.
    """

    photos: Path
    checkpoints: Path

    def of(self, key: str) -> "WorkFolders":
        """The folders of one run."""
        return WorkFolders(self.photos / key, self.checkpoints / key)


def fine_tune(
    store: ModelStore,
    dataset: Dataset,
    options: FineTuneOptions,
    work: WorkFolders,
    folder: Path,
    on_progress: OnProgress = lambda _progress: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Run:
    """Trains all of a published network further on a data set, and writes the run's folder.

    A run that was cut off goes on at its last checkpoint when it is started again with the same data and settings.

    Args:
        store: holds the network.
        dataset: checked.
        options: see there.
        work: a folder in each is removed once the run is written.
        folder: of the run; a run that is there is replaced.
        on_progress: told of what is being done.
        should_stop: asked after every update; then a checkpoint is written.

    Raises:
        NotFoundError: the network is not in the store.
        InUseError: another run with the same data and settings works in these folders.
        TrainingError: there are too few photos, the network cannot be trained, or its error is not finite any more.
        InterruptedTrainingError: it was asked to stop.
    """
    settings = options.settings
    require_replaceable(folder)
    trunk = store.manifest(options.trunk)
    _require_photos(dataset)
    require_unseen_by(store, [trunk], dataset)
    network, initial = read_network(store, trunk, settings.precision)
    _require_head(trunk, initial)
    stages = plan_stages(dataset.examples, settings)
    places = work.of(_key(dataset, trunk, settings))
    with working_in(places.photos, places.checkpoints):
        start = time.monotonic()
        trainer = Trainer(network, settings, _photos(trunk, dataset, places.photos, on_progress), should_stop)
        decoded = time.monotonic()
        trainings = run_stages(trainer, stages, initial, settings, places.checkpoints, on_progress)
        seconds = {"decoding": decoded - start, "training": time.monotonic() - decoded}
        seen = seen_photos(store, trunk, (dataset.examples[row] for row in stages[-1].learned))
        write_network_run(folder, tell_outcome(trunk, options, dataset, stages, trainings, seconds), seen)
    return Run.read(folder)


def _require_photos(dataset: Dataset) -> None:
    n_photos = len(dataset.only(OPEN_SPLITS).examples)
    if n_photos < MINIMUM_PHOTOS:
        raise TrainingError(f"{dataset.name} has {n_photos} photos to train on; at least {MINIMUM_PHOTOS} are needed")


def _require_head(trunk: Manifest, initial: Mapping[str, np.ndarray]) -> None:
    if trunk.trunks or not any(path.startswith(f"{HEAD}/") for path in initial):
        raise TrainingError(f"{trunk.ref} is a {trunk.architecture}, no network of its own that could be fine-tuned")


def _photos(trunk: Manifest, dataset: Dataset, folder: Path, on_progress: OnProgress) -> Photos:
    preprocessing = Preprocessing(resize=trunk.preprocessing.resize, crop=trunk.preprocessing.crop)
    squares = open_squares(dataset.examples, preprocessing.resize, folder, on_progress)
    return Photos(squares, dataset.scores, preprocessing)


def _key(dataset: Dataset, trunk: Manifest, settings: FineTuneSettings) -> str:
    """Names all that a checkpoint depends on, so that a run goes on from its own alone."""
    chosen = {name: value for name, value in asdict(settings).items() if name != "checkpoint_minutes"}
    photos = [(example.sha256, example.score, example.split, example.duplicates) for example in dataset.examples]
    makers = (_CHECKPOINT_FORMAT, trunk.files["params.safetensors"].sha256, trunk.preprocessing, chosen, photos)
    return f"fine-tuning-{sha256(repr(makers).encode()).hexdigest()[:16]}"
