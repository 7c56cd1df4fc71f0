"""A model version's way into a deployment: its files, its manifest last, and the wait for the publisher's word.

AWS is behind two ports.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from memorability.batches import SYSTEM_CLOCK, Clock
from model_store.errors import MemorabilityError
from model_store.publications import Publication, PublicationRequest, PublicationStatus
from model_store.store import Manifest, ModelStore, Ref
from model_store.store.layout import MANIFEST_FILE

TIMEOUT_SECONDS = 900.0
_POLL_SECONDS = 0.5

type Report = Callable[[str, int, int | None], None]
"""Told of a step, how many bytes of it are done, and of how many."""


class PublicationError(MemorabilityError):
    """A model was refused, or the publisher does not answer."""


class ArtefactsBucket(Protocol):
    """The bucket that model versions are uploaded to; raises `MemorabilityError` where it does not take them."""

    def upload(self, key: str, file: Path, on_bytes: Callable[[int], None]) -> None:
        """Uploads a file, telling of bytes that were sent since the last call."""

    def put(self, key: str, body: bytes) -> str | None:
        """Puts an object; returns its version, None in a bucket without versions."""


@dataclass(frozen=True)
class KeptPublication:
    """The publisher's word as the table keeps it; `object_version` is of the manifest that it speaks of."""

    publication: Publication
    object_version: str | None

    @property
    def is_published(self) -> bool:
        """Whether the version is there."""
        return self.publication.status is PublicationStatus.PUBLISHED


class PublicationTable(Protocol):
    """The table in which the publisher says what became of uploads."""

    def publication(self, name: str, version: str) -> KeptPublication | None:
        """What it last said of a version; raises `MemorabilityError` where the table cannot be read."""


@dataclass(frozen=True)
class Wishes:
    """What is to become of a version.

    Attributes:
        ensemble: that it joins, in place of the model's other versions.
        alias: that is then moved to the ensemble, if any.
    """

    ensemble: str = "default"
    alias: str | None = "live"


SERVED_LIVE = Wishes()


@dataclass(frozen=True)
class Destination:
    """A deployment, as publishing sees it."""

    bucket: ArtefactsBucket
    table: PublicationTable
    clock: Clock = SYSTEM_CLOCK

    def has(self, ref: str) -> bool:
        """Whether a version (`name@version`) was published here."""
        pinned = Ref.parse(ref)
        kept = self.table.publication(pinned.name, str(pinned.version))
        return kept is not None and kept.is_published


def require_trunks(destination: Destination, manifest: Manifest) -> None:
    """Finds out before anything is uploaded whether the models are there whose features a version reads.

    Raises:
        PublicationError: one of them never was published.
    """
    missing = [trunk for trunk in manifest.trunks if not destination.has(trunk)]
    if missing:
        commands = ", ".join(f"`memorability models publish {trunk} --deployment FILE.json`" for trunk in missing)
        raise PublicationError(
            f"{manifest.ref} reads the features of {' and '.join(missing)}, which the deployment does not have: "
            f"publish that first, with {commands}"
        )


def publish_version(
    destination: Destination,
    store: ModelStore,
    ref: str,
    wishes: Wishes,
    report: Report,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Publication:
    """Uploads a version and waits until the publisher has dealt with it.

    Args:
        destination: where to.
        store: where the version is taken from.
        ref: `name@version`, or the name of its newest version.
        wishes: what is to become of it.
        report: told how far it is.
        timeout_seconds: how long to wait.

    Returns:
        The publisher's word.

    Raises:
        PublicationError: a trunk is missing, the version was refused, or nothing was heard in time.
        InvalidRequestError: the wishes cannot be had.
    """
    manifest = store.manifest(ref)
    request = PublicationRequest.of(manifest, wishes.ensemble, wishes.alias)
    require_trunks(destination, manifest)
    object_version = _upload(destination.bucket, store.path(manifest.ref), request, report)
    publication = _await(destination, manifest, object_version, report, timeout_seconds)
    if publication.status is PublicationStatus.REFUSED:
        raise PublicationError(f"{manifest.ref} was refused: {publication.error}")
    return publication


def _upload(bucket: ArtefactsBucket, folder: Path, request: PublicationRequest, report: Report) -> str:
    prefix, step = f"models/{request.name}/{request.version}", f"Uploading {request.ref}"
    total = sum(digest.bytes for digest in request.files.values())
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        report(step, done, total)

    for name in request.files:
        bucket.upload(f"{prefix}/{name}", folder / name, advance)
    object_version = bucket.put(f"{prefix}/{MANIFEST_FILE}", request.model_dump_json().encode())
    if object_version is None:
        raise PublicationError("The artefacts bucket keeps no versions of its objects; turn its versioning on")
    return object_version


def _await(
    destination: Destination, manifest: Manifest, object_version: str, report: Report, timeout_seconds: float
) -> Publication:
    """What became of this very upload, once it is settled: an interrupted publication is tried again."""
    clock = destination.clock
    deadline = clock.now() + timeout_seconds
    kept: KeptPublication | None = None
    report("Waiting for the publisher, which compiles and tries it", 0, None)
    while clock.now() < deadline:
        kept = destination.table.publication(manifest.name, manifest.version)
        if kept and kept.object_version == object_version:
            if kept.publication.status is not PublicationStatus.INTERRUPTED:
                return kept.publication
            report(f"It was interrupted ({kept.publication.error}), and is tried again", 0, None)
        clock.sleep(_POLL_SECONDS)
    last = f"; the last thing it said: {kept}" if kept else ""
    raise PublicationError(
        f"The publisher did not settle {manifest.ref} within {timeout_seconds:g} s: see its log and its failure "
        f"queue{last}"
    )
