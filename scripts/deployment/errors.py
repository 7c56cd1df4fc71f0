"""What can go wrong with a deployment."""

from model_store.errors import MemorabilityError


class DeploymentError(MemorabilityError):
    """A deployment cannot be planned, made or removed; the message says what to do."""
