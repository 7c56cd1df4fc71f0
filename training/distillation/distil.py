"""A distillation from photos to the folder of a run: the teacher's scores, the first fit, training, and the figures.

What takes minutes is kept: what the teacher sees in the cache, photos, features and checkpoints in a folder of the
run's own until it is written. The same command goes on where it was cut off.
"""

import time
from hashlib import sha256
from pathlib import Path

import numpy as np

from model_store.images import Preprocessing
from model_store.models.efficientnet_lite.modeling import SCORE
from model_store.store import Manifest, ModelStore
from model_store.store.atomic import make_folder, new_staging_path
from training.data import Dataset
from training.distillation.crops import add_crops
from training.distillation.fitting import Trained, Trainer
from training.distillation.network import Flat, Looker, StudentNetwork
from training.distillation.outcome import DistilOptions, Learned, Pupil, tell_outcome, with_scores
from training.distillation.photos import Parts, Photos, split
from training.distillation.readout import fit_readout
from training.distillation.settings import DistilSettings
from training.distillation.speed import measure_speed
from training.distillation.students import Catalogue, Student, begin, find_student, preprocessing_of
from training.distillation.teacher import Targets, ask
from training.distillation.writing import write_student_run
from training.evaluation.metrics import Values
from training.features.extraction import OnProgress, Progress
from training.fine_tuning.squares import open_squares
from training.runs import Run
from training.work import working_in
from training.writing import require_replaceable

_LOOK_BATCH = 8
_WORK_FORMAT = 2  # since parts are mirrored and students see what the teacher saw, what lies there means something else
_FEATURES_FILE = "features.npy"


def distil(
    store: ModelStore,
    photos: Photos,
    options: DistilOptions,
    cache: Path,
    folder: Path,
    on_progress: OnProgress = lambda _progress: None,
    catalogue: Catalogue = find_student,
) -> Run:
    """Trains a student on photos, and writes the run's folder.

    Args:
        store: holds the teacher.
        photos: that nobody has scored.
        options: see there.
        cache: folder for what the teacher sees, for the ImageNet weights, and for what the run keeps meanwhile.
        folder: of the run; a run that is there is replaced.
        on_progress: told of what is being done.
        catalogue: what is known of students.

    Raises:
        NotFoundError: the teacher is not in the store.
        DownloadError: the ImageNet weights cannot be had.
        InUseError: another run with the same photos and settings is under way.
        TrainingError: the student is unknown, the teacher gives no features, or training fails.
    """
    require_replaceable(folder)
    settings, dataset = options.settings, photos.dataset
    pupil = _enrol(store.manifest(options.teacher), catalogue(options.student), options.size, cache, on_progress)
    work = cache / "distillation" / _key(dataset, pupil, settings)
    with working_in(work):
        start = time.monotonic()
        whole = split(dataset, settings)
        lessons, parts = add_crops(dataset, whole, settings.crops, work / "crops", on_progress)
        lesson = ask(store, pupil.teacher, lessons, cache, on_progress)
        asked = time.monotonic()
        looker = _open_looker(pupil, lessons, work, on_progress)
        targets = Targets.of(lesson, parts.train, settings.components)
        trained = _teach(pupil.beginning.parameters, looker, targets, parts, settings, work, on_progress)
        seconds = {"teacher": asked - start, "training": time.monotonic() - asked}
        learned = Learned.of(trained, targets)
        scores = _scores(learned.parameters, looker, whole.held_out)
        scored = with_scores(dataset, lesson.scores[: len(dataset.examples)])
        speed = measure_speed(store, pupil.teacher, pupil.student, learned.parameters, pupil.size)
        outcome = tell_outcome(options, pupil, learned, trained, scored, whole, scores, speed, seconds)
        write_student_run(folder, outcome)
    return Run.read(folder)


def _enrol(teacher: Manifest, student: Student, size: int | None, cache: Path, on_progress: OnProgress) -> Pupil:
    """Fetches what the student begins with; refuses a size that it cannot see."""
    side = preprocessing_of(size or student.size).crop

    def report(step: str, done: int, total: int | None) -> None:
        on_progress(Progress(step, done, total or 0))

    return Pupil(teacher, student, side, begin(student, side, cache, report))


def _open_looker(pupil: Pupil, lessons: Dataset, work: Path, on_progress: OnProgress) -> Looker:
    """Decodes the photos as the student sees them."""
    preprocessing = preprocessing_of(pupil.size)
    squares = open_squares(lessons.examples, preprocessing.resize, work, on_progress)
    cut = Preprocessing(resize=preprocessing.resize, crop=preprocessing.crop)
    return Looker(StudentNetwork(pupil.student), squares, cut, _LOOK_BATCH)


def _teach(
    initial: dict[str, np.ndarray],
    looker: Looker,
    targets: Targets,
    parts: Parts,
    settings: DistilSettings,
    work: Path,
    on_progress: OnProgress,
) -> Trained:
    """Fits the readout on the features that the student begins with, then trains both."""
    features = _first_features(initial, looker, len(targets.values), work / _FEATURES_FILE, on_progress)
    readout = fit_readout(features, targets.values, parts.train, parts.validation)
    trainer = Trainer(looker, settings, targets.values, parts)

    def tell(step: int, total: int, left: float | None) -> None:
        on_progress(Progress("training the student", step, total, left))

    return trainer.train(initial, readout, work / "checkpoints", tell)


def _first_features(initial: Flat, looker: Looker, count: int, path: Path, on_progress: OnProgress) -> np.ndarray:
    """What the student sees of all photos before it has learned anything, kept on disk."""
    if not path.exists():

        def tell(done: int) -> None:
            on_progress(Progress("the student's first look", done, count))

        make_folder(path.parent)
        staging = new_staging_path(path.parent)
        with staging.open("wb") as file:
            np.save(file, looker(initial, np.arange(count), tell))
        staging.rename(path)
    features: np.ndarray = np.load(path)
    return features


def _scores(parameters: Flat, looker: Looker, rows: np.ndarray) -> Values:
    """Scores of the network as it is going to be served."""
    logits = looker(parameters, rows) @ parameters[f"{SCORE}/kernel"] + parameters[f"{SCORE}/bias"]
    return 1 / (1 + np.exp(-np.asarray(logits, np.float64)[:, 0]))


def _key(dataset: Dataset, pupil: Pupil, settings: DistilSettings) -> str:
    """Names all that parts and checkpoints depend on, so that a run goes on from its own alone."""
    photos = [(example.sha256, example.duplicates) for example in dataset.examples]
    teacher = pupil.teacher.files["params.safetensors"].sha256
    makers = (_WORK_FORMAT, teacher, pupil.student, pupil.size, settings, photos)
    return sha256(repr(makers).encode()).hexdigest()[:16]
