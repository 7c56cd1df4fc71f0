"""What can go wrong with the local platform."""

from model_store.errors import MemorabilityError


class LocalPlatformError(MemorabilityError):
    """The local platform cannot be started, changed or stopped; the message says what to do."""
