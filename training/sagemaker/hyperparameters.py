"""The hyperparameters of a job: those of `memorability train`, under the same names.

SageMaker hands them on as text, its Python SDK as JSON within text, and the training toolkit as `--name value` as well.
"""

import json
from collections.abc import Sequence
from itertools import batched
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model_store.store import Measure
from model_store.store.manifest import describe_faults
from model_store.store.references import Name
from training.errors import TrainingError
from training.jobs import DEFAULT_TRUNKS, TrainingJob

_OF_SAGEMAKER = "sagemaker_"  # hyperparameters by which its SDK tells the toolkit what to run
_PROGRAM = "train"  # the argument that SageMaker starts a container with
_OF_THE_JOB = {"name", "trunk", "measure", "fine_tune", "lamem_split"}


class Hyperparameters(BaseModel):
    """What a job may be told; everything but the name has a default.

    Attributes:
        name: of the model.
        trunk: published model of the channel `store`; several, for heads, with commas between them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=lambda name: name.replace("_", "-"))

    name: Name
    trunk: str = ",".join(DEFAULT_TRUNKS)
    measure: Measure = Measure.HIT_RATE
    fine_tune: bool = False
    lamem_split: int = Field(default=1, ge=1, le=5)
    seed: int | None = Field(default=None, ge=0)
    folds: int | None = Field(default=None, ge=1)
    heads: int | None = Field(default=None, ge=2)
    epochs: int | None = Field(default=None, ge=1)
    batch: int | None = Field(default=None, ge=1)
    accumulate: int | None = Field(default=None, ge=1)
    learning_rate: float | None = Field(default=None, gt=0)
    trunk_learning_rate: float | None = Field(default=None, ge=0)
    precision: str | None = None
    checkpoint_minutes: float | None = Field(default=None, gt=0)

    @classmethod
    def read(cls, given: str, arguments: Sequence[str] = ()) -> Self:
        """Reads hyperparameters; those of the command line count where both name one.

        Args:
            given: from the job's environment, a JSON object.
            arguments: `--name value`, each.

        Raises:
            TrainingError: the message names every fault.
        """
        values = _object(given) | _named(arguments)
        ours = {
            name.replace("_", "-"): _plain(value)
            for name, value in values.items()
            if not name.startswith(_OF_SAGEMAKER)
        }
        try:
            return cls.model_validate(ours)
        except ValidationError as error:
            raise TrainingError(f"the hyperparameters cannot be used: {describe_faults(error)}") from error

    def job(self) -> TrainingJob:
        """The training that they ask for.

        Raises:
            TrainingError: they do not go together.
        """
        trunks = tuple(trunk.strip() for trunk in self.trunk.split(","))
        settings = self.model_dump(exclude=_OF_THE_JOB)
        return TrainingJob(self.name, trunks, self.measure, self.fine_tune, settings)


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise TrainingError(f"the hyperparameters are no JSON: {error}") from error
    if not isinstance(found, dict):
        raise TrainingError(f"the hyperparameters must be a JSON object, not {text}")
    return found


def _named(arguments: Sequence[str]) -> dict[str, str]:
    options = list(arguments[1:] if arguments[:1] == [_PROGRAM] else arguments)
    pairs = list(batched(options, 2, strict=False))
    if any(len(pair) < 2 or not pair[0].startswith("--") for pair in pairs):
        raise TrainingError(
            f"hyperparameters are given as --name value, each; this cannot be read: {' '.join(options)}"
        )
    return {name.removeprefix("--"): value for name, value in pairs}


def _plain(value: Any) -> Any:
    """The value, out of the JSON that the SDK makes of texts."""
    is_json = isinstance(value, str) and value.startswith('"') and value.endswith('"') and len(value) > 1
    return json.loads(value) if is_json else value
