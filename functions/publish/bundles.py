"""Bundles of dependencies on the volume: `runtime/{digest}`, each there whole or not at all.

Nothing but the standard library is imported here: there is nothing else before the first bundle is installed.
"""

import hashlib
import logging
import os
import shutil
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp

from model_store.archives import ArchiveError, unpack

logger = logging.getLogger(__name__)

MIN_AGE = timedelta(days=1)
_WORKER_PACKAGE = "gpu_worker"  # a bundle that holds it is the workers'
_STAGING_PREFIX = ".staging-"
_TRASH_PREFIX = ".trash-"
_LITTER_AGE = timedelta(hours=1)  # no publisher lives that long: Lambda ends a call after 15 minutes


def install_bundle(runtime: Path, digest: str, kind: str, chunks: Iterable[bytes]) -> bool:
    """Unpacks an archive into `runtime/{digest}`; several processes may do so at once, and any may die.

    Args:
        runtime: the folder of all bundles, made where there is none.
        digest: SHA-256 that the archive must have.
        kind: `tar.gz` or `zip`.
        chunks: the archive; not asked for where the bundle is installed already.

    Returns:
        Whether it was installed now.

    Raises:
        ArchiveError: the archive has another digest, is damaged or too large, or leads out of its folder.
    """
    target = runtime / digest
    if target.is_dir():
        os.utime(target)  # asked for again, it is not old any more: it may be rolled back to
        return False
    runtime.mkdir(parents=True, exist_ok=True)
    _sweep(runtime)
    staging = Path(mkdtemp(prefix=_STAGING_PREFIX, dir=runtime))
    try:
        archive = staging / f"{digest}.{kind}"
        _download(chunks, archive, digest)
        unpack(archive, kind, staging / "content")
        return _appear(staging / "content", target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def prune_bundles(runtime: Path, keep: int, in_use: Collection[str], now: datetime) -> list[str]:
    """Removes old bundles: not the newest `keep` of a kind, none in use, none that was asked for within a day.

    There are two kinds: those of functions, and those of heatmap workers. Who publishes knows what functions use, and
    not what workers do: those run with one of their newest.

    Args:
        runtime: the folder of all bundles.
        keep: how many of each kind stay in any case.
        in_use: digests that stay.
        now: with time zone.

    Returns:
        The digests that were removed.
    """
    folders = [entry for entry in runtime.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    newest_first: dict[bool, list[Path]] = defaultdict(list)
    for folder in sorted(folders, key=_installed_at, reverse=True):
        newest_first[(folder / _WORKER_PACKAGE).is_dir()].append(folder)
    outdated = [
        folder
        for of_a_kind in newest_first.values()
        for folder in of_a_kind[keep:]
        if folder.name not in in_use and _installed_at(folder) < now - MIN_AGE
    ]
    for folder in outdated:
        trash = folder.rename(folder.with_name(f"{_TRASH_PREFIX}{folder.name}"))
        shutil.rmtree(trash, ignore_errors=True)
    return [folder.name for folder in outdated]


def _download(chunks: Iterable[bytes], archive: Path, digest: str) -> None:
    found = hashlib.sha256()
    with archive.open("wb") as file:
        for chunk in chunks:
            found.update(chunk)
            file.write(chunk)
    if found.hexdigest() != digest:
        raise ArchiveError(f"{archive.name} has the SHA-256 {found.hexdigest()}: upload it again, under its own digest")


def _appear(content: Path, target: Path) -> bool:
    os.utime(content)  # the time of its installation
    try:
        content.rename(target)
    except OSError:
        if target.is_dir():  # another process was faster
            return False
        raise
    return True


def _sweep(runtime: Path) -> None:
    """Removes what killed processes left."""
    limit = datetime.now(UTC) - _LITTER_AGE
    for pattern in (f"{_STAGING_PREFIX}*", f"{_TRASH_PREFIX}*"):
        for litter in runtime.glob(pattern):
            if _installed_at(litter) < limit:
                shutil.rmtree(litter, ignore_errors=True)


def _installed_at(folder: Path) -> datetime:
    return datetime.fromtimestamp(folder.stat().st_mtime, UTC)
