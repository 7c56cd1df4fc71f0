"""What can go wrong with a store, and the sentence that says how to put it right."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model_store.errors import MemorabilityError


class StoreError(MemorabilityError):
    """The store cannot do what was asked; the base of the other errors here."""


class NotFoundError(StoreError):
    """No model, ensemble or alias goes by that name; the message lists those that do."""


class VolumeError(StoreError):
    """The system refuses to read or write the volume; trying again later may well succeed."""


class CorruptModelError(StoreError):
    """A file of the store is not what was published, or never was a valid one."""


class AlreadyPublishedError(StoreError):
    """The version exists with other content; published versions never change."""


class InUseError(StoreError):
    """An alias serves the thing that was to be removed, or another process is changing it now."""


_REMEDIES = {
    errno.EACCES: "give this user access to it, or choose another store",
    errno.EPERM: "give this user access to it, or choose another store",
    errno.EROFS: "the volume is mounted read-only: publish from where it is writable",
    errno.ENOSPC: "free some space on the volume",
    errno.EDQUOT: "free some space on the volume, or raise its quota",
    errno.ENOTDIR: "the store must be a folder",
    errno.EEXIST: "the store must be a folder",
    errno.ESTALE: "mount the volume again",
    errno.ENOLCK: "the volume must support advisory file locks (NFS 4 and local disks do)",
}


@contextmanager
def explain_os_errors(root: Path) -> Iterator[None]:
    """Turn an `OSError` into a `VolumeError` that names the store, the file and the remedy."""
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "check that the volume is mounted and healthy")
        where = f" at {error.filename}" if error.filename else ""
        raise VolumeError(f"The model store {root} cannot be used: {error.strerror}{where}; {remedy}.") from error
