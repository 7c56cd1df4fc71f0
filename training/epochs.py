"""What is seen of a network after each epoch of its training, and which epoch is kept."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Epoch:
    """What was seen after an epoch; errors are mean squared ones, of what the training predicts.

    Attributes:
        loss: of the epoch's batches, each before its update; None for the beginning, which had none.
        validation_loss: on the validation part.
        validation_spearman: rank correlation there.
    """

    loss: float | None
    validation_loss: float
    validation_spearman: float


def best_epoch(epochs: Sequence[Epoch]) -> int:
    """Number of the first epoch with the lowest error on the validation part; 0 is the beginning."""
    losses = [epoch.validation_loss for epoch in epochs]
    return losses.index(min(losses))


def curves(epochs: Sequence[Epoch]) -> tuple[list[float], list[float]]:
    """Errors on batches, and on the validation part, which was looked at before the first batch too."""
    losses = [epoch.loss for epoch in epochs if epoch.loss is not None]
    return losses, [epoch.validation_loss for epoch in epochs]
