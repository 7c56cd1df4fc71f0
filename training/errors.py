"""What can go wrong while a model is trained or measured."""

from model_store.errors import MemorabilityError


class TrainingError(MemorabilityError):
    """Training or measuring cannot go on; the message says what to change."""


class InterruptedTrainingError(TrainingError):
    """Training was asked to stop, and has written a checkpoint."""
