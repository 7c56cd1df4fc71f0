"""The photos that a command line means."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from model_store.images import ImageLimits, check_size
from model_store.runtime.scoring import Photo


def find_files(paths: Iterable[Path]) -> list[Path]:
    """Every given file, and every file below a given folder in the order of names, each once.

    Hidden files of a folder are passed over, as file managers leave them everywhere, and so are links to other folders.
    """
    return list(dict.fromkeys(file for path in paths for file in _files(path)))


def find_photos(paths: Iterable[Path], limits: ImageLimits) -> list[Photo]:
    """What `find_files` finds, as photos that are read when they are scored."""
    return [Photo(str(file), partial(_read, file, limits)) for file in find_files(paths)]


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for folder, folders, names in path.walk():
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files = (folder / name for name in sorted(names) if not name.startswith("."))
        yield from (file for file in files if not file.is_dir())


def _read(file: Path, limits: ImageLimits) -> bytes:
    check_size(file.stat().st_size, str(file), limits)
    return file.read_bytes()
