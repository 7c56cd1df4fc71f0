"""The photos that a command line means."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from model_store.images import ImageLimits, check_size
from model_store.runtime.scoring import Photo


def find_photos(paths: Iterable[Path], limits: ImageLimits) -> list[Photo]:
    """Every given file, and every file below a given folder in the order of names, each once.

    Hidden files of a folder are passed over, as file managers leave them everywhere, and so are links to other folders.
    """
    files = dict.fromkeys(file for path in paths for file in _files(path))
    return [Photo(str(file), partial(_read, file, limits)) for file in files]


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
