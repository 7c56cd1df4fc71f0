"""Runs as training jobs leave them: a folder, or the archive of one that came from elsewhere and is not trusted."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from model_store.archives import UnpackLimits, unpack
from training.errors import TrainingError
from training.runs import RUN_FILE, Run

ARCHIVE_SUFFIX = ".tar.gz"
# Of ResMem in float32 half a gigabyte, and some pictures.
LIMITS = UnpackLimits(max_entries=1000, max_bytes=4_000_000_000)


def is_run(path: Path) -> bool:
    """Whether `open_run` is to look at it: a folder, or an archive by its name."""
    return path.is_dir() or (path.is_file() and path.name.endswith(ARCHIVE_SUFFIX))


@contextmanager
def open_run(path: Path) -> Iterator[Run]:
    """Reads a run's folder, or the archive of one, which is unpacked for as long as the run is in use.

    Args:
        path: the folder, or a `.tar.gz` such as SageMaker's `model.tar.gz`, with the run in it or in its only folder.

    Raises:
        ArchiveError: the archive is damaged, too large, or holds links or paths that lead elsewhere.
        TrainingError: there is no finished run in it, or more than one.
    """
    if path.is_dir():
        yield Run.read(path)
        return
    with TemporaryDirectory() as scratch:
        unpacked = Path(scratch) / "unpacked"
        unpack(path, "tar.gz", unpacked, LIMITS)
        yield Run.read(_find(unpacked, path))


def _find(unpacked: Path, archive: Path) -> Path:
    found = [run.parent for run in (*unpacked.glob(RUN_FILE), *unpacked.glob(f"*/{RUN_FILE}"))]
    if len(found) != 1:
        raise TrainingError(f"{archive} holds {len(found)} finished runs, where one is needed")
    return found[0]
