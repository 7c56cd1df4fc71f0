"""Changes that a reader sees whole or not at all, and that survive a loss of power.

The rule throughout: write aside under a hidden name, fsync the data, rename, fsync the folder. A hidden name
is never read, so whatever a killed process leaves behind is litter, and `sweep` takes it away.
"""

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model_store.store.errors import InUseError

STAGING_PREFIX = ".staging-"
_LITTER = (f"{STAGING_PREFIX}*", ".trash-*")
_LOCK_POLL_SECONDS = 0.05


def sync(path: Path) -> None:
    """Force a file's data, or a folder's entries, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Force a folder and everything below it to the disk."""
    for parent, _, files in folder.walk(top_down=False):
        for file in files:
            sync(parent / file)
        sync(parent)


def make_folder(folder: Path) -> None:
    """Make a folder and its missing parents, and force the new entries to the disk."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync(folder.parent)


def new_staging_path(folder: Path) -> Path:
    """Return a fresh hidden name in `folder`."""
    return folder / f"{STAGING_PREFIX}{secrets.token_hex(8)}"


def rename(source: Path, target: Path) -> None:
    """Rename within one folder, durably; replaces a file, and raises `OSError` where a folder has content."""
    source.rename(target)
    sync(target.parent)


def write_file(path: Path, content: str) -> None:
    """Write or replace a text file; a reader sees the old content or the new, and nothing between."""
    make_folder(path.parent)
    staging = new_staging_path(path.parent)
    try:
        staging.write_text(content, encoding="utf-8")
        sync(staging)
        rename(staging, path)
    finally:
        staging.unlink(missing_ok=True)


def discard(folder: Path) -> None:
    """Delete a folder, hiding it first so that nobody can find it half deleted.

    What cannot be deleted yet (NFS keeps files that a reader still holds) stays hidden until a later `sweep`.
    """
    trash = folder.with_name(f".trash-{secrets.token_hex(8)}")
    rename(folder, trash)
    shutil.rmtree(trash, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Delete what killed processes left in `folder`; only for the holder of the lock all its writers take."""
    for pattern in _LITTER:
        for litter in list(folder.glob(pattern)):
            if litter.is_dir():
                discard(litter)
            else:
                litter.unlink()


@contextmanager
def exclusive_lock(path: Path, what: str, timeout_seconds: float) -> Iterator[None]:
    """Hold the advisory lock on `path`, waiting for another process or thread that holds it.

    The kernel (or the NFS server, when a client's lease runs out) frees it when its holder dies: a lock never
    needs breaking by hand.

    Raises:
        InUseError: `what` is still being changed by another after `timeout_seconds`.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _wait_for_lock(descriptor, what, timeout_seconds)
        yield
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int, what: str, timeout_seconds: float) -> None:
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise InUseError(
                    f"Another process has been changing {what} for over {timeout_seconds:g} s; "
                    "let it finish, or stop it, and try again."
                ) from None
            time.sleep(_LOCK_POLL_SECONDS)
