"""The folder of a run: all that is needed to read what happened and to publish the model.

| file | what |
|---|---|
| `run.json` | configuration and figures; written last, so that a run that has it is whole |
| `model/description.json` | what the manifest will say |
| `model/params.safetensors` | the parameters |
| `model/seen_photos.safetensors` | of a fine-tuned network: digests of the photos that it has learned from |
| `predictions.csv` | each photo's held-out prediction |
| `*.png`, `MODEL_CARD.md` | for people |
"""

from datetime import datetime
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model_store.store import ModelDescription
from model_store.store.layout import PARAMETERS_FILE
from training.errors import TrainingError

RUN_FILE = "run.json"
DESCRIPTION_FILE = "description.json"
CARD_FILE = "MODEL_CARD.md"
PREDICTIONS_FILE = "predictions.csv"
SEEN_FILE = "seen_photos.safetensors"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Figures(_Value):
    """What was measured on photos that the measured heads did not see.

    Attributes:
        n: photos.
        spearman, ci95, pearson, mse: agreement with people.
        spread_error_correlation: rank correlation of the spread with the absolute error.
        interval_coverage: share of people's scores inside the intervals.
        interval_intended: share that should be.
        mean_absolute_difference: of a student's scores from its teacher's, in place of people's.
    """

    n: int
    spearman: float
    ci95: tuple[float, float]
    pearson: float
    mse: float
    spread_error_correlation: float | None = None
    interval_coverage: float | None = None
    interval_intended: float | None = None
    mean_absolute_difference: float | None = None


class Speed(_Value):
    """Time for one image on one machine, student and teacher in turns; the least of several rounds.

    Attributes:
        seconds, teacher_seconds: by the clock.
        processor_seconds, teacher_processor_seconds: of all cores together, whatever else the machine does.
    """

    seconds: float
    teacher_seconds: float
    processor_seconds: float
    teacher_processor_seconds: float

    @property
    def share(self) -> float:
        """What the student takes of the teacher's processor time."""
        return self.processor_seconds / self.teacher_processor_seconds


class Ceiling(_Value):
    """Agreement of people with people; see `training.evaluation.consistency`."""

    n: int
    split_half: float
    ceiling: float


class RunRecord(_Value):
    """A finished run.

    Attributes:
        name: of the model.
        dataset: its name.
        n_photos: that the published model was trained on.
        n_near_duplicates: photos that look like an earlier one; they shared its fold.
        trunks: whose features the heads read, or the network that fine-tuning began with, or
            a student's teacher.
        kind: how it was trained: `heads`, for heads on frozen trunks, `fine-tuned`, or `distilled`.
        settings: by name, as numbers, texts or lists of them.
        cross_validation: figures of the nested cross-validation; of the held-out photos where there was none. A
            student's say how well it agrees with its teacher, not with people.
        by_group: the same for each group of the data set with enough photos.
        trunk_spearman: what each trunk's own score reaches on the same photos, where it predicts the measure.
        test: figures on the data set's own test split, which no choice saw.
        ceiling: of people.
        speed: of a student beside its teacher.
        seconds: that reading, features and heads took in this run.
        finished_at: when.
    """

    name: str
    dataset: str
    n_photos: int
    n_near_duplicates: int
    trunks: tuple[str, ...]
    kind: str
    settings: dict[str, object]
    cross_validation: Figures
    by_group: dict[str, Figures] = Field(default_factory=dict)
    trunk_spearman: dict[str, float] = Field(default_factory=dict)
    test: Figures | None = None
    ceiling: Ceiling | None = None
    speed: Speed | None = None
    seconds: dict[str, float]
    finished_at: datetime


class Run(_Value):
    """A run folder that was read.

    Attributes:
        folder: where it lies.
        record: what happened.
        description: what the manifest will say.
    """

    folder: Path
    record: RunRecord
    description: ModelDescription

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Reads a run folder.

        Raises:
            TrainingError: it is none, or its run did not finish.
        """
        try:
            record = RunRecord.model_validate_json((folder / RUN_FILE).read_bytes())
            description = ModelDescription.model_validate_json((folder / "model" / DESCRIPTION_FILE).read_bytes())
        except FileNotFoundError as error:
            raise TrainingError(
                f"{folder} holds no finished run: {error.filename} is missing; run `memorability train` again, "
                "which goes on where it stopped"
            ) from error
        except ValidationError as error:
            raise TrainingError(f"{folder} holds a run of another release of this software: {error}") from error
        return cls(folder=folder, record=record, description=description)

    @property
    def parameters(self) -> Path:
        """The file of the parameters."""
        return self.folder / "model" / PARAMETERS_FILE

    @property
    def seen(self) -> Path:
        """The file of the photos that a fine-tuned network has learned from; runs of earlier releases have none."""
        return self.folder / "model" / SEEN_FILE
