"""Unpacks archives that are not trusted to stay in their folder: plain files and folders alone, no links.

Nothing but the standard library is imported here.
"""

import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from model_store.errors import MemorabilityError


class ArchiveError(MemorabilityError):
    """An archive that is damaged, too large, or holds something that it must not."""


@dataclass(frozen=True)
class UnpackLimits:
    """What an archive may hold at most; a bundle has some 5,000 files of 0.4 GB, or with CUDA 9,000 of 5.4 GB."""

    max_entries: int = 100_000
    max_bytes: int = 8_000_000_000


DEFAULT_LIMITS = UnpackLimits()


@dataclass(frozen=True)
class _Entry:
    name: str
    n_bytes: int
    is_folder: bool
    is_file: bool
    is_program: bool
    open: Callable[[], IO[bytes]]


def unpack(archive: Path, kind: str, folder: Path, limits: UnpackLimits = DEFAULT_LIMITS) -> None:
    """Unpacks an archive into a new folder, for everybody to read and to run, and forces its files to the disk.

    Args:
        archive: the file.
        kind: `tar.gz` or `zip`.
        folder: is made.
        limits: what it may hold at most.

    Raises:
        ArchiveError: the archive is damaged, too large, or holds links, special files or paths that lead elsewhere.
    """
    folder.mkdir(mode=0o755)
    try:
        with _entries(archive, kind) as entries:
            for entry in _within_limits(entries, archive, limits):
                _unpack_entry(entry, _target(entry, folder), archive)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, FileExistsError, NotADirectoryError) as error:
        raise ArchiveError(f"{archive.name} cannot be unpacked: {error}") from error


def _within_limits(entries: Iterator[_Entry], archive: Path, limits: UnpackLimits) -> Iterator[_Entry]:
    total = 0
    for count, entry in enumerate(entries, 1):
        total += entry.n_bytes
        if count > limits.max_entries or total > limits.max_bytes:
            raise ArchiveError(f"{archive.name} holds over {limits.max_entries:,} files or {limits.max_bytes:,} bytes")
        yield entry


def _target(entry: _Entry, folder: Path) -> Path:
    path = PurePosixPath(entry.name)
    if path.is_absolute() or ".." in path.parts:
        raise ArchiveError(f"the archive holds {entry.name!r}, which leads out of its folder")
    return folder / path


def _unpack_entry(entry: _Entry, target: Path, archive: Path) -> None:
    if entry.is_folder:
        target.mkdir(mode=0o755, parents=True, exist_ok=True)
        return
    if not entry.is_file:
        raise ArchiveError(f"{archive.name} holds {entry.name!r}, which is neither a file nor a folder")
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with entry.open() as packed, target.open("xb") as file:
        shutil.copyfileobj(packed, file, 1 << 20)
        os.fchmod(file.fileno(), 0o755 if entry.is_program else 0o644)
        os.fsync(file.fileno())


@contextmanager
def _entries(archive: Path, kind: str) -> Iterator[Iterator[_Entry]]:
    if kind == "zip":
        with zipfile.ZipFile(archive) as packed:
            yield (_zip_entry(packed, info) for info in packed.infolist())
    else:
        with tarfile.open(archive, "r:gz") as packed:
            yield (_tar_entry(packed, member) for member in packed)


def _zip_entry(packed: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Entry:
    kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where the archive was not made on a POSIX system
    is_file = not info.is_dir() and kind in {0, stat.S_IFREG}
    is_program = bool(info.external_attr >> 16 & stat.S_IXUSR)
    return _Entry(info.filename, info.file_size, info.is_dir(), is_file, is_program, lambda: packed.open(info))


def _tar_entry(packed: tarfile.TarFile, member: tarfile.TarInfo) -> _Entry:
    def opened() -> IO[bytes]:
        file = packed.extractfile(member)
        assert file is not None, "only links and special files have no content"
        return file

    is_program = bool(member.mode & stat.S_IXUSR)
    return _Entry(member.name, member.size, member.isdir(), member.isreg(), is_program, opened)
