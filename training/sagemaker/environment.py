"""Where SageMaker puts what a job reads, and expects what it writes.

The `SM_…` variables are those of script mode (SageMaker Training Toolkit, "Environment variables"). A container without
the toolkit has none of them, but finds the same things in fixed places below `/opt/ml` (SageMaker developer guide, "How
Amazon SageMaker AI Provides Training Information").
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path("/opt/ml")
MAX_FAILURE_CHARACTERS = 1024  # of the file, as `FailureReason` shows them
_HYPERPARAMETERS_FILE = "input/config/hyperparameters.json"


@dataclass(frozen=True)
class Environment:
    """The folders of a job.

    Attributes:
        photos: channel `training`, the data set.
        store: channel `store`, a model store with the trunks.
        model: what becomes `model.tar.gz`.
        output: what becomes `output.tar.gz`.
        failure: file for the reason of a failure.
        checkpoints: `LocalPath` of the job's `CheckpointConfig`, which is copied to S3 while the job runs, and back
            when spot capacity returns; the variable MEMORABILITY_CHECKPOINTS names another one.
        hyperparameters: a JSON object.
    """

    photos: Path
    store: Path
    model: Path
    output: Path
    failure: Path
    checkpoints: Path
    hyperparameters: str

    @classmethod
    def read(cls, variables: Mapping[str, str], root: Path = ROOT) -> Self:
        """Reads the variables of a process; what they do not say lies where SageMaker puts it below `root`."""
        output = Path(variables.get("SM_OUTPUT_DIR", root / "output"))
        file = root / _HYPERPARAMETERS_FILE
        return cls(
            photos=Path(variables.get("SM_CHANNEL_TRAINING", root / "input/data/training")),
            store=Path(variables.get("SM_CHANNEL_STORE", root / "input/data/store")),
            model=Path(variables.get("SM_MODEL_DIR", root / "model")),
            output=Path(variables.get("SM_OUTPUT_DATA_DIR", output / "data")),
            failure=output / "failure",
            checkpoints=Path(variables.get("MEMORABILITY_CHECKPOINTS", root / "checkpoints")),
            hyperparameters=variables.get("SM_HPS") or (file.read_text(encoding="utf-8") if file.exists() else "{}"),
        )
