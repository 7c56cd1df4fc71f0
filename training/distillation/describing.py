"""What the manifest and the model card of a student say."""

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version as installed_version

import numpy as np

from model_store.golden import golden_image
from model_store.importing.importer import GOLDEN_SEEDS, GOLDEN_TOLERANCE
from model_store.store import Manifest, ModelDescription
from model_store.store.manifest import (
    GoldenCase,
    Performance,
    Precision,
    Preprocessing,
    Provenance,
    ReferenceDistribution,
)
from training.card import terms_section
from training.data import Dataset
from training.describing import dataset_digest, join_licences
from training.distillation.students import ARCHITECTURE, CITATION, IMAGENET_LICENCE, Student
from training.fine_tuning.network import scores_as_served
from training.runs import Figures, RunRecord, Speed


def describe_student(
    teacher: Manifest,
    student: Student,
    source: str,
    parameters: Mapping[str, np.ndarray],
    preprocessing: Preprocessing,
    dataset: Dataset,
    performance: Performance,
    reference: ReferenceDistribution,
) -> ModelDescription:
    """The description of a student.

    Args:
        teacher: whose measure it predicts and whose terms it keeps.
        student: its shape.
        source: of the weights that it began with.
        parameters: by path, as they are stored and widened.
        preprocessing: of photos.
        dataset: all photos, with the teacher's scores.
        performance: its agreement with the teacher.
        reference: of its scores.
    """
    photos = f"{len(dataset.examples):,} photos of {dataset.name}, scored by {teacher.ref}"
    return ModelDescription(
        measure=teacher.measure,
        architecture=ARCHITECTURE,
        architecture_settings=student.settings,
        preprocessing=preprocessing,
        precision=Precision.COMPACT,
        licence=join_licences(
            [teacher.licence, IMAGENET_LICENCE], "Inherited from the teacher and from the ImageNet weights."
        ),
        citation=f"{teacher.citation} {CITATION}".strip(),
        training_data=f"{photos}; the teacher: {teacher.training_data}; before: ImageNet",
        provenance=Provenance(
            source=f"distilled from {teacher.ref} on {dataset.name}; began with {source}",
            source_sha256=dataset_digest(dataset),
            imported_by=f"memorability {installed_version('memorability')}",
            imported_at=datetime.now(UTC),
        ),
        performance=(performance,),
        reference=reference,
        golden=_golden_cases(student, parameters, preprocessing.crop),
    )


def student_card(record: RunRecord, description: ModelDescription) -> str:
    """The model card in Markdown."""
    sections = [_summary(record, description), _agreement(record), _training(record, description)]
    return "\n\n".join([*sections, terms_section(description), _use(record)]) + "\n"


def _golden_cases(student: Student, parameters: Mapping[str, np.ndarray], size: int) -> tuple[GoldenCase, ...]:
    images = np.stack([golden_image(seed, size) for seed in GOLDEN_SEEDS])
    scores = scores_as_served(ARCHITECTURE, student.settings, parameters, images)
    tolerance = GOLDEN_TOLERANCE[Precision.COMPACT]
    cases = zip(GOLDEN_SEEDS, scores, strict=True)
    return tuple(GoldenCase(seed=seed, score=score, tolerance=tolerance) for seed, score in cases)


def _summary(record: RunRecord, description: ModelDescription) -> str:
    (teacher,) = record.trunks
    return (
        f"# {record.name}\n\n"
        f"Gives about the {description.measure.replace('_', ' ')} that {teacher} gives, in a part of the time: "
        f"{record.settings['student']}, which learned from that teacher on {record.n_photos:,} photos of "
        f"“{record.dataset}”, {record.finished_at:%d %B %Y}."
    )


def _agreement(record: RunRecord) -> str:
    (teacher,) = record.trunks
    lines = [
        "## Measured\n",
        "| photos | Spearman | 95 % interval | Pearson | mean absolute difference |\n|---|---|---|---|---|",
        _agreement_row(record.cross_validation),
        f"\nThese figures say how well it agrees with {teacher}, not with people. Neither training nor the choice of "
        "an epoch saw these photos or near-duplicates of them.",
    ]
    if record.speed:
        lines.append(f"\n{describe_speed(record.speed, teacher)}")
    return "\n".join(lines) + "\n\n![Scores](scatter.png)"


def _agreement_row(found: Figures) -> str:
    low, high = found.ci95
    return (
        f"| {found.n:,} | {found.spearman:.3f} | {low:.3f} to {high:.3f} | {found.pearson:.3f} "
        f"| {found.mean_absolute_difference:.3f} |"
    )


def describe_speed(speed: Speed, teacher: str) -> str:
    """A sentence with the times of one image."""
    return (
        f"One image takes {speed.processor_seconds * 1000:.1f} ms of processor time, {speed.share:.3f} of {teacher}'s "
        f"{speed.teacher_processor_seconds * 1000:.0f} ms, measured in turns."
    )


def _training(record: RunRecord, description: ModelDescription) -> str:
    return (
        "## Training\n\n"
        f"Data: {description.training_data}. {record.n_near_duplicates} photos look like an earlier one.\n\n"
        f"Settings: {', '.join(f'{name} {value}' for name, value in record.settings.items())}.\n\n"
        f"It took {', '.join(f'{seconds:.0f} s for {step}' for step, seconds in record.seconds.items())}; what a run "
        "had done before it was cut off is not counted."
        + ("\n\n![Training](training.png)" if has_curve(record) else "")
    )


def has_curve(record: RunRecord) -> bool:
    """Whether the student was trained beyond the fit of its readout."""
    return record.settings["epochs"] != 0


def _use(record: RunRecord) -> str:
    (teacher,) = record.trunks
    return (
        "## Before you use it\n\n"
        f"It agrees with {teacher} on photos like those of “{record.dataset}”. On other kinds of pictures measure it "
        f"first, against people: `memorability evaluate {record.name} DATA --against {teacher}`."
    )
