"""A batch of photos in a deployment: their names, the upload, and the wait for the records. AWS is behind two ports."""

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from model_store.errors import MemorabilityError
from model_store.images import ImageErrorCode
from model_store.items import PhotoRecord
from model_store.records import FailedRecord, Failure, ScoredRecord
from model_store.uploads import BatchKey, NotAnUploadError, UploadKey

PARALLEL_UPLOADS = 8  # a photo at a time leaves the line idle for most of each round trip

# A poll reads the whole batch, so large batches are read less often.
MIN_POLL_SECONDS, MAX_POLL_SECONDS = 0.5, 10.0
_PHOTOS_PER_POLL_SECOND = 200


class BatchError(MemorabilityError):
    """A batch or a photo that no deployment can keep under its name."""


class PhotoBucket(Protocol):
    """The uploads bucket."""

    def put(self, key: str, photo: Path) -> str | None:
        """Uploads a file and returns its object's version, None in a bucket without versions.

        Raises:
            OSError: the file cannot be read.
            MemorabilityError: the bucket does not take it, tried several times.
        """


class RecordTable(Protocol):
    """The results table."""

    def records(self, batch: BatchKey) -> list[PhotoRecord]:
        """Every record of a batch; raises `MemorabilityError` where the table cannot be read."""


@dataclass(frozen=True)
class Outcome:
    """A record under the name that its reader knows the photo by.

    Attributes:
        record: what became of the photo.
        ensemble: name of the ensemble that was asked; None where the photo never came that far.
    """

    record: ScoredRecord | FailedRecord
    ensemble: str | None


@dataclass(frozen=True)
class Uploaded:
    """What became of an upload.

    Attributes:
        versions: by filename, the object's version of what was uploaded.
        unreadable: by filename, why a file could not be read.
    """

    versions: Mapping[str, str | None]
    unreadable: Mapping[str, str]


@dataclass(frozen=True)
class Clock:
    """The time that waiting takes, in seconds."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


SYSTEM_CLOCK = Clock()


def new_batch_name(now: datetime) -> str:
    """A name that sorts by time and that nobody else has, such as `2026-11-22-151130-9f3a2c`."""
    return f"{now:%Y-%m-%d-%H%M%S}-{secrets.token_hex(3)}"


def batch_key(tenant: str, batch: str) -> BatchKey:
    """The key of a batch.

    Raises:
        BatchError: its tenant or its name cannot be part of an object's key.
    """
    for what, name in (("tenant", tenant), ("batch", batch)):
        if not name or {"/", "#"} & set(name) or name in {".", ".."} or not name.isprintable():
            raise BatchError(f"{name!r} cannot name a {what}: give it at least one character, and no / or #")
    return BatchKey(tenant, batch)


def name_photos(files: Iterable[Path]) -> dict[str, Path]:
    """Gives every file a name of its own in its batch: the file's, with `-2`, `-3` … where several have the same.

    Raises:
        BatchError: a name is too long for a record to be kept under it.
    """
    files = list(files)
    own_names = {_text(file.name) for file in files}
    named: dict[str, Path] = {}
    for file in files:
        name = _text(file.name)
        if name in named:
            stem, suffix = _text(file.stem), _text(file.suffix)
            numbered = (f"{stem}-{number}{suffix}" for number in range(2, len(files) + len(own_names) + 2))
            name = next(new for new in numbered if new not in named and new not in own_names)
        named[name] = file
    return named


def upload_photos(
    bucket: PhotoBucket, batch: BatchKey, photos: Mapping[str, Path], on_upload: Callable[[], object]
) -> Uploaded:
    """Uploads photos, several at a time.

    Args:
        bucket: takes them.
        batch: what they become part of.
        photos: files by their names in the batch.
        on_upload: called after each.

    Raises:
        BatchError: a name is too long.
        MemorabilityError: the bucket does not take them; what was not begun then is left out.
    """
    keys = {name: _object_key(batch, name) for name in photos}
    versions: dict[str, str | None] = {}
    unreadable: dict[str, str] = {}
    with ThreadPoolExecutor(PARALLEL_UPLOADS) as pool:
        puts: dict[Future[str | None], str] = {
            pool.submit(bucket.put, keys[name], file): name for name, file in photos.items()
        }
        try:
            for put in as_completed(puts):
                try:
                    versions[puts[put]] = put.result()
                except OSError as error:
                    unreadable[puts[put]] = error.strerror or str(error)
                on_upload()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return Uploaded(versions, unreadable)


def await_records(
    table: RecordTable,
    batch: BatchKey,
    versions: Mapping[str, str | None],
    patience_seconds: float,
    on_progress: Callable[[int], object],
    clock: Clock = SYSTEM_CLOCK,
) -> dict[str, list[PhotoRecord]]:
    """Waits for the records of what was uploaded; those of earlier uploads under the same names do not count.

    Args:
        table: where they appear.
        batch: the photos' batch.
        versions: see `Uploaded`.
        patience_seconds: how long no new record may come.
        on_progress: told how many photos have a record, whenever the table was read.
        clock: of this machine.

    Returns:
        Records by filename; a photo without one is left out, after that much waiting in vain.
    """
    poll_seconds = min(max(MIN_POLL_SECONDS, len(versions) / _PHOTOS_PER_POLL_SECOND), MAX_POLL_SECONDS)
    found: dict[str, list[PhotoRecord]] = {}
    last_news = clock.now()
    while len(found) < len(versions):
        known, found = len(found), _records_of(versions, table.records(batch))
        on_progress(len(found))
        if len(found) > known:
            last_news = clock.now()
        elif clock.now() - last_news >= patience_seconds:
            break
        if len(found) < len(versions):
            clock.sleep(poll_seconds)
    return found


def outcomes(
    photos: Mapping[str, Path], uploaded: Uploaded, found: Mapping[str, Sequence[PhotoRecord]]
) -> list[Outcome]:
    """Records in the photos' order, each under the path that the user knows its photo by."""
    result: list[Outcome] = []
    for name, file in photos.items():
        if fault := uploaded.unreadable.get(name):
            result.append(Outcome(_unreadable(str(file), fault), None))
        result += [Outcome(_renamed(kept.record, str(file)), kept.ensemble) for kept in found.get(name, ())]
    return result


def _records_of(versions: Mapping[str, str | None], records: Iterable[PhotoRecord]) -> dict[str, list[PhotoRecord]]:
    found: dict[str, list[PhotoRecord]] = {}
    for record in records:
        if record.filename in versions and record.object_version == versions[record.filename]:
            found.setdefault(record.filename, []).append(record)
    return found


def _object_key(batch: BatchKey, filename: str) -> str:
    key = str(UploadKey(batch.tenant, batch.batch, filename))
    try:
        UploadKey.parse(key)
    except NotAnUploadError as error:
        raise BatchError(f"{filename} cannot be uploaded under this name: {error}; rename it") from error
    return key


def _unreadable(file: str, fault: str) -> FailedRecord:
    message = f"{file} cannot be read: {fault}; check that it exists and may be read"
    return FailedRecord(file=file, error=Failure(code=ImageErrorCode.UNREADABLE_IMAGE, message=message))


def _renamed(record: ScoredRecord | FailedRecord, file: str) -> ScoredRecord | FailedRecord:
    """The record under another name, which a failed one also says in its message."""
    if isinstance(record, ScoredRecord):
        return ScoredRecord.model_validate(dict(record) | {"file": file})
    message = record.error.message
    if message.startswith(record.file):
        message = file + message.removeprefix(record.file)
    return FailedRecord(file=file, error=Failure(code=record.error.code, message=message))


def _text(name: str) -> str:
    """A file's name as UTF-8 can hold it: a file name may be any bytes, an object's key is text."""
    return name.encode("utf-8", "backslashreplace").decode()
