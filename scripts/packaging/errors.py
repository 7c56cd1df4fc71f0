"""What can go wrong while packaging."""

from model_store.errors import MemorabilityError


class PackagingError(MemorabilityError):
    """A tool is missing or failed, or a package is over its budget; the message says what to do."""
