"""Digests of files."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from model_store import head_start

Progress = Callable[[int], None]
"""Called with the number of bytes read since the last call."""

_READ_BYTES = 4 * 1024 * 1024  # a network volume is read fastest in requests of a megabyte and more


def sha256_file(path: Path, progress: Progress | None = None) -> str:
    """Return the SHA-256 of a file's content in hexadecimal, reading it once from start to end."""
    if begun := head_start.take_digest(path):
        return begun
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_READ_BYTES))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
            if progress:
                progress(count)
    return digest.hexdigest()
