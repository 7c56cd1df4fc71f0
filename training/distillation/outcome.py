"""From what a student has learned to figures and to the description of its network."""

from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime

import numpy as np

from model_store.models.precision import compact
from model_store.store import Manifest, ModelDescription
from training.data import Dataset
from training.describing import performance_on, reference_of
from training.distillation.describing import describe_student
from training.distillation.fitting import Trained
from training.distillation.network import as_served
from training.distillation.photos import Parts
from training.distillation.settings import DistilSettings
from training.distillation.students import Beginning, Student, preprocessing_of
from training.distillation.teacher import Targets
from training.distillation.writing import StudentOutcome
from training.evaluation.figures import figures
from training.evaluation.metrics import Values
from training.fine_tuning.network import widened
from training.runs import Figures, RunRecord, Speed

KIND = "distilled"


@dataclass(frozen=True)
class DistilOptions:
    """What a distillation is asked to do.

    Attributes:
        name: of the model.
        teacher: reference of the published model to learn from.
        student: name of the network that learns.
        size: side of what it sees, in pixels; None takes the student's own.
        settings: of the training.
    """

    name: str
    teacher: str
    student: str
    size: int | None = None
    settings: DistilSettings = field(default_factory=DistilSettings)


@dataclass(frozen=True)
class Pupil:
    """Who learns from whom.

    Attributes:
        teacher: as it is published.
        student: its shape.
        size: side of what it sees, in pixels.
        beginning: the weights that it begins with.
    """

    teacher: Manifest
    student: Student
    size: int
    beginning: Beginning = field(repr=False)


@dataclass(frozen=True)
class Learned:
    """A network as it is going to be served.

    Attributes:
        stored: parameters by path, as they are stored.
        parameters: the same, widened.
    """

    stored: dict[str, np.ndarray] = field(repr=False)
    parameters: dict[str, np.ndarray] = field(repr=False)

    @classmethod
    def of(cls, trained: Trained, targets: Targets) -> "Learned":
        """What is kept of a training: of all targets the score alone."""
        stored = compact(as_served(trained.params, targets.mean, targets.scale))
        return cls(stored, widened(stored))


def tell_outcome(
    options: DistilOptions,
    pupil: Pupil,
    learned: Learned,
    trained: Trained,
    dataset: Dataset,
    parts: Parts,
    scores: Values,
    speed: Speed,
    seconds: dict[str, float],
) -> StudentOutcome:
    """All that a run has to tell.

    Args:
        options: of the run.
        pupil: see there.
        learned: what is published.
        trained: how it came about.
        dataset: the photos, with the teacher's scores.
        parts: of these.
        scores: the student's, for the held-out part.
        speed: measured.
        seconds: that each step took.
    """
    teachers = dataset.scores[parts.held_out]
    record = RunRecord(
        name=options.name,
        dataset=dataset.name,
        n_photos=len(parts.train) + len(parts.validation),
        n_near_duplicates=dataset.n_near_duplicates,
        trunks=(pupil.teacher.ref,),
        kind=KIND,
        settings={"student": options.student, "size": pupil.size} | asdict(options.settings),
        cross_validation=agreement(scores, teachers),
        speed=speed,
        seconds=seconds,
        finished_at=datetime.now(UTC),
    )
    examples = [dataset.examples[row] for row in parts.held_out]
    description = _describe(pupil, learned, dataset, record.cross_validation, scores)
    return StudentOutcome(record, description, learned.stored, examples, teachers, scores, trained.epochs)


def _describe(pupil: Pupil, learned: Learned, dataset: Dataset, found: Figures, scores: Values) -> ModelDescription:
    return describe_student(
        pupil.teacher,
        pupil.student,
        pupil.beginning.source,
        learned.parameters,
        preprocessing_of(pupil.size),
        dataset,
        performance_on(f"scores of {pupil.teacher.ref} for held-out photos of {dataset.name}", found),
        reference_of(scores, f"{found.n:,} photos of {dataset.name}, none seen by the network"),
    )


def agreement(scores: Values, teachers: Values) -> Figures:
    """How well a student's scores agree with its teacher's."""
    difference = float(np.abs(scores - teachers).mean())
    return figures(scores, teachers).model_copy(update={"mean_absolute_difference": difference})


def with_scores(dataset: Dataset, scores: Values) -> Dataset:
    """The data set with the teacher's scores."""
    pairs = zip(dataset.examples, scores.tolist(), strict=True)
    return replace(dataset, examples=tuple(replace(example, score=score) for example, score in pairs))
