"""What the trainings of a run have shown, kept on disk so that none is repeated when the run goes on after a kill."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from jaxtyping import Int
from pydantic import BaseModel, ConfigDict

from model_store.store.atomic import write_file
from training.data.folds import Rows
from training.epochs import Epoch
from training.evaluation.metrics import Values
from training.fine_tuning.stages import Stage


class StageResult(BaseModel):
    """A training that has ended.

    Attributes:
        epochs: the beginning, and all that were trained.
        predictions: of the photos that it was measured on, in their order.
        published: what the published network says of them.
    """

    model_config = ConfigDict(frozen=True)

    epochs: tuple[Epoch, ...]
    predictions: tuple[float, ...]
    published: tuple[float, ...]

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The result in a file, None where the training has not ended."""
        return cls.model_validate_json(path.read_bytes()) if path.exists() else None

    def write(self, path: Path) -> None:
        """Writes it to a file, which appears whole."""
        write_file(path, self.model_dump_json())


@dataclass(frozen=True)
class HeldOut:
    """Predictions of photos by networks that did not see them.

    Attributes:
        rows: of the photos, in the data set's order.
        predictions: for these.
        published: what the published network says of them.
        stages: number of the training that predicted each, counted from 1.
    """

    rows: Rows = field(repr=False)
    predictions: Values = field(repr=False)
    published: Values = field(repr=False)
    stages: Int[np.ndarray, " photos"] = field(repr=False)

    @classmethod
    def of(cls, stages: Sequence[Stage], results: Sequence[StageResult]) -> Self:
        """Joins what several trainings were measured on."""
        rows = np.concatenate([stage.measured for stage in stages])
        order = np.argsort(rows)
        numbers = np.repeat(np.arange(1, len(stages) + 1), [len(stage.measured) for stage in stages])
        predictions = np.concatenate([result.predictions for result in results])
        published = np.concatenate([result.published for result in results])
        return cls(rows[order], predictions[order], published[order], numbers[order])
