"""What a fine-tuning run may choose."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from training.errors import TrainingError


class ComputePrecision(StrEnum):
    """What the trunk computes in while it is trained; parameters, their updates and the head are float32 in any case.

    A GPU computes in bfloat16 several times as fast as in float32, a CPU does not.
    """

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


@dataclass(frozen=True)
class FineTuneSettings:
    """Settings of a fine-tuning run.

    Attributes:
        folds: of the cross-validation that measures, each a training of its own, before the one that is published; 1
            holds out a part of the photos instead, and publishes the network that was measured on it.
        epochs: how often each photo is seen at most.
        batch: photos in one update of the parameters.
        accumulate: parts that a batch is computed in; more take less memory and give the same update.
        learning_rate: of the head, at its peak.
        trunk_learning_rate: of everything below the head, at its peak.
        warmup_share: share of the updates during which the learning rates rise to their peaks.
        weight_decay: of kernels, as in AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101).
        gradient_limit: a gradient of a larger norm is scaled down to it.
        validation_share: of the photos that are trained on, kept apart to decide when to stop.
        patience: epochs without a lower error on those, after which training stops.
        precision: see there.
        seed: of everything that is drawn.
        checkpoint_minutes: between two checkpoints; has no influence on the result.
    """

    folds: int = 5
    epochs: int = 20
    batch: int = 32
    accumulate: int = 1
    learning_rate: float = 3e-4
    trunk_learning_rate: float = 3e-5
    warmup_share: float = 0.1
    weight_decay: float = 0.05
    gradient_limit: float = 1.0
    validation_share: float = 0.1
    patience: int = 5
    precision: ComputePrecision = ComputePrecision.FLOAT32
    seed: int = 0
    checkpoint_minutes: float = 10.0

    def __post_init__(self) -> None:
        """Refuses what cannot be trained with."""
        positive = {
            "folds": self.folds,
            "epochs": self.epochs,
            "batch": self.batch,
            "accumulate": self.accumulate,
            "learning rate": self.learning_rate,
        }
        if wrong := [f"{name} {value}" for name, value in positive.items() if value <= 0]:
            raise TrainingError(f"{', '.join(wrong)}: must be above 0")
        if self.batch % self.accumulate:
            raise TrainingError(f"a batch of {self.batch} cannot be computed in {self.accumulate} equal parts")


def settings_for(backend: str, **chosen: Any) -> FineTuneSettings:
    """Settings for a JAX backend (`cpu`, `gpu`, `tpu`); what is None is chosen to suit it.

    A GPU trains in bfloat16 and a batch at once. A CPU gains nothing by either: it trains in float32, 4 photos at
    once, which saves memory.
    """
    given = {name: value for name, value in chosen.items() if value is not None}
    batch = given.get("batch", FineTuneSettings.batch)
    if backend == "cpu":
        suited: dict[str, Any] = {"accumulate": batch // 4 if batch % 4 == 0 else 1}
    else:
        suited = {"precision": ComputePrecision.BFLOAT16}
    if precision := given.get("precision"):
        given["precision"] = _precision(precision)
    return FineTuneSettings(**suited | given)


def _precision(name: str) -> ComputePrecision:
    try:
        return ComputePrecision(name)
    except ValueError as error:
        raise TrainingError(f"{error}: it must be one of {', '.join(ComputePrecision)}") from error
