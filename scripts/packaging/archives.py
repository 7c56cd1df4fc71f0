"""Archives that depend on nothing but the contents of a folder: same files, same bytes."""

import gzip
import hashlib
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that the format can tell
_FILE_MODE = 0o644
_PROGRAM_MODE = 0o755
_FOLDER_MODE = 0o755
_PROGRAMS = "bin"  # name of folders whose files are programs; the modes of the files themselves depend on the machine
_READ_BYTES = 1024 * 1024
_DIGEST_CHARACTERS = 16  # of a digest in a file's name; the manifest has all of it


def write_zip(folder: Path, out: Path, name: str) -> Path:
    """Writes a folder's files to `{name}-{digest}.zip`; returns its path."""
    unnamed = out / f"{name}.zip.part"
    with zipfile.ZipFile(unnamed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in _entries(folder):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _ZIP_TIME)
                entry.create_system = 3  # Unix, which the mode is for
                entry.external_attr = (stat.S_IFREG | _FILE_MODE) << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, path.read_bytes())
    return unnamed.rename(out / f"{name}-{file_sha256(unnamed)[:_DIGEST_CHARACTERS]}.zip")


def write_tarball(folder: Path, out: Path, name: str) -> Path:
    """Writes a folder to `{name}-{digest}.tar.gz`; returns its path."""
    unnamed = out / f"{name}.tar.gz.part"
    with unnamed.open("wb") as file, gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as compressed:
        _write_tar(folder, compressed)
    return unnamed.rename(out / f"{name}-{file_sha256(unnamed)[:_DIGEST_CHARACTERS]}.tar.gz")


def _write_tar(folder: Path, file: gzip.GzipFile) -> None:
    with tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for path in _entries(folder):
            entry = tarfile.TarInfo(path.relative_to(folder).as_posix())
            if path.is_dir():
                entry.type, entry.mode = tarfile.DIRTYPE, _FOLDER_MODE
                archive.addfile(entry)
            else:
                entry.mode = _PROGRAM_MODE if path.parent.name == _PROGRAMS else _FILE_MODE
                entry.size = path.stat().st_size
                with path.open("rb") as content:
                    archive.addfile(entry, content)


def _entries(folder: Path) -> Iterator[Path]:
    """Files and folders, each folder before what is in it, in an order that no locale changes."""
    return iter(sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).parts))


def file_sha256(path: Path) -> str:
    """SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpacked_bytes(folder: Path) -> int:
    """Bytes of all files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
