"""What a run keeps until it is written: in folders of its own, in which one process at a time works."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model_store.store.atomic import exclusive_lock, make_folder

_LOCK_TIMEOUT_SECONDS = 1.0  # runs take minutes or days: a second one is told at once


@contextmanager
def working_in(folder: Path, *others: Path) -> Iterator[None]:
    """Keeps a second run with the same photos and settings out, and deletes the folders once the run has ended well.

    A run that fails leaves them for the next one to go on with. The lock lies beside the first folder and stays: were
    it deleted, a run that waits for it and one that comes later would hold two different files.

    Args:
        folder: of this run.
        others: that belong to it.

    Raises:
        InUseError: another run works there.
    """
    make_folder(folder.parent)
    lock = folder.with_name(f".{folder.name}.lock")
    with exclusive_lock(lock, f"the work of a run in {folder}", _LOCK_TIMEOUT_SECONDS):
        yield
        for done in (folder, *others):
            shutil.rmtree(done, ignore_errors=True)
