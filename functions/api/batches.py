"""Batches: made once, listed, added to, and deleted whole."""

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import final

from functions.api.callers import Caller
from functions.api.catalogue import Catalogue
from functions.api.cursors import Scope
from functions.api.limits import IDEMPOTENCY_HOURS, MAX_FILES, UPLOAD_LINK_SECONDS
from functions.api.ports import BatchTable, Links, Objects
from functions.api.problems import Fault, ProblemError, ProblemKind
from functions.api.requests import FileDeclaration, MoreUploads, NewBatch
from functions.api.responses import BatchDetail, BatchesPage, BatchSummary, Counts, CreatedBatch, UploadForm, Uploads
from model_store.batches import (
    HEAD_ATTRIBUTES,
    Batch,
    DeclaredFile,
    batch_item,
    declared_files,
    deleted_batch_item,
    idempotency_item,
    idempotency_item_key,
    stored_batch,
    was_deleted,
)
from model_store.images.errors import ImageError
from model_store.items import BATCH_SORT_KEY, Item, batch_item_key, photo_name
from model_store.uploads import BatchKey, UploadKey

ID_BYTES = 16  # 128 random bits: nobody guesses one
CHANGE_TRIES = 5  # of two who add files at the same time, one tries again
REMEMBER_DELETED = timedelta(days=1, seconds=UPLOAD_LINK_SECONDS)  # after that, nothing of it can arrive any more

# What a cursor may bring into a key of the index, whose parts DynamoDB wants to be text that is not empty.
_CREATED_AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}\+00:00")
_ID = re.compile(rf"[0-9a-f]{{{2 * ID_BYTES}}}")


@dataclass(frozen=True)
class Terms:
    """On what terms batches are kept: how long, and how large a photo may be."""

    retention: timedelta
    max_image_bytes: int


@final
class Batches:
    """The batches of all tenants; every method looks only at the caller's."""

    def __init__(
        self,
        table: BatchTable,
        links: Links,
        objects: Objects,
        catalogue: Catalogue,
        terms: Terms,
        clock: Callable[[], datetime],
    ) -> None:
        self._table = table
        self._links = links
        self._objects = objects
        self._catalogue = catalogue
        self._terms = terms
        self._clock = clock

    def create(self, caller: Caller, wish: NewBatch, idempotency_key: str | None) -> CreatedBatch:
        """Makes a batch, or finds the one that the same request made.

        Raises:
            ProblemError: the request asks for what cannot be, or its key made another batch.
        """
        self._check(wish)
        files, now = _declared(wish.files), self._clock()
        batch = Batch(
            key=caller.batch_key(secrets.token_hex(ID_BYTES)),
            name=wish.name,
            created_at=now,
            created_by=caller.user,
            expires_at=now + self._terms.retention,
            ensembles=tuple(sorted(wish.ensembles)),
            preview_heatmaps=wish.preview_heatmaps,
            n_files=len(files),
        )
        items = [batch_item(batch, files)]
        if idempotency_key is not None:
            until = now + timedelta(hours=IDEMPOTENCY_HOURS)
            items.append(idempotency_item(batch.key, idempotency_key, _digest(wish), until))
        if self._table.create(*items, now=now):
            batch = stored_batch(items[0])
        else:
            batch = self._made_before(caller, wish, str(idempotency_key))
        return CreatedBatch(batch=_summary(batch), uploads=self._forms(batch.key, files))

    def page(self, caller: Caller, limit: int, cursor: str | None) -> BatchesPage:
        """A page of the tenant's batches; raises `ProblemError` where the cursor is none of theirs."""
        scope = Scope(caller.tenant, ("batches",))
        position = scope.read(cursor, _CREATED_AT, _ID)
        found = self._table.newest(caller.tenant, limit, _index_key(caller, *position) if position else None)
        batches = [batch for batch in map(stored_batch, found.items) if batch.expires_at > self._clock()]
        last = found.items[-1] if found.has_more else None
        following = scope.write(last["created_at"], last["batch"]) if last else None
        return BatchesPage(batches=tuple(map(_summary, batches)), next_cursor=following)

    def read(self, caller: Caller, batch_id: str) -> BatchDetail:
        """A batch; raises `ProblemError` where the tenant has none with that id."""
        items = self._table.partition(caller.batch_key(batch_id), {*HEAD_ATTRIBUTES, "files", "status"})
        item, batch = find_batch(items, self._clock())
        counts = count(batch_names(item, items), items)
        return BatchDetail(**dict(_summary(batch)), counts=counts)

    def add_uploads(self, caller: Caller, batch_id: str, wish: MoreUploads) -> Uploads:
        """Declares more files, or the same ones again, and signs their forms.

        Raises:
            ProblemError: the tenant has no such batch, or the batch cannot have that many files.
        """
        self._check_sizes(wish.files)
        files = _declared(wish.files)
        for _ in range(CHANGE_TRIES):
            item, batch = find_batch([self._table.get(batch_item_key(caller.batch_key(batch_id)))], self._clock())
            all_files = {file.name: file for file in (*declared_files(item), *files)}
            if len(all_files) > MAX_FILES:
                raise ProblemError.invalid(Fault(place="body/files", detail=f"a batch has at most {MAX_FILES} files"))
            changed = replace(batch, revision=batch.revision + 1)
            if self._table.replace(batch_item(changed, list(all_files.values())), batch.revision):
                return Uploads(uploads=self._forms(batch.key, files))
        raise _changed_by_others()

    def delete(self, caller: Caller, batch_id: str) -> None:
        """Deletes a batch; where it was interrupted, the next time goes on.

        First the batch is gone for everybody, then what it consists of.

        Raises:
            ProblemError: the tenant has no such batch, and had none of late.
        """
        key = caller.batch_key(batch_id)
        item = self._table.get(batch_item_key(key))
        if item is None:
            raise ProblemError.unknown("batch")
        if not was_deleted(item):
            revision = int(item["revision"])
            mark = deleted_batch_item(key, revision + 1, self._clock(), REMEMBER_DELETED)
            if not self._table.replace(mark, revision):
                raise _changed_by_others()
        self._objects.remove(key)
        left = self._table.partition(key, ())
        self._table.delete([{"pk": item["pk"], "sk": item["sk"]} for item in left if item["sk"] != BATCH_SORT_KEY])

    def _check(self, wish: NewBatch) -> None:
        faults = [
            Fault(place=f"body/ensembles/{position}", detail=fault)
            for position, fault in self._catalogue.ensemble_faults(wish.ensembles).items()
        ]
        self._check_sizes(wish.files, faults)

    def _check_sizes(self, files: Sequence[FileDeclaration], others: Iterable[Fault] = ()) -> None:
        most = self._terms.max_image_bytes
        faults = [
            Fault(
                place=f"body/files/{position}/bytes", detail=str(ImageError.too_many_bytes(file.name, file.bytes, most))
            )
            for position, file in enumerate(files)
            if file.bytes > most
        ]
        if faults := [*others, *faults]:
            raise ProblemError.invalid(*faults)

    def _made_before(self, caller: Caller, wish: NewBatch, idempotency_key: str) -> Batch:
        made = self._table.get(idempotency_item_key(caller.tenant, idempotency_key))
        if made is None:
            raise ProblemError(
                ProblemKind.CONCURRENT_REQUEST,
                "The batch of this Idempotency-Key is being made; send the request again.",
            )
        if made["request"] != _digest(wish):
            raise ProblemError(
                ProblemKind.IDEMPOTENCY_KEY_REUSED, "Another request was sent with this Idempotency-Key; use a new one."
            )
        item = self._table.get(batch_item_key(caller.batch_key(made["batch"])))
        if item is None or was_deleted(item):
            raise ProblemError(
                ProblemKind.CONFLICT, "The batch that this Idempotency-Key made is gone; use a new key for a new batch."
            )
        return stored_batch(item)

    def _forms(self, batch: BatchKey, files: Iterable[DeclaredFile]) -> tuple[UploadForm, ...]:
        keys = ((file, str(UploadKey(batch.tenant, batch.batch, file.name))) for file in files)
        forms = ((file.name, self._links.upload(key, file.bytes, file.type)) for file, key in keys)
        return tuple(
            UploadForm(name=name, url=form.url, fields=form.fields, expires_at=form.expires_at) for name, form in forms
        )


def find_batch(items: Iterable[Item | None], now: datetime) -> tuple[Item, Batch]:
    """The batch's own item among those of its partition, and what it keeps.

    Raises:
        ProblemError: there is no such batch, or not any more.
    """
    item = next((item for item in items if item and item["sk"] == BATCH_SORT_KEY), None)
    if item is None or was_deleted(item) or int(item["expires_at"]) <= now.timestamp():
        raise ProblemError.unknown("batch")
    return item, stored_batch(item)


def batch_names(item: Item, items: Iterable[Item]) -> set[str]:
    """The names of a batch's photos: those that were declared, and those that came all the same."""
    arrived = {name for other in items if (name := photo_name(other)) is not None}
    return {file.name for file in declared_files(item)} | arrived


def count(names: set[str], items: Iterable[Item]) -> Counts:
    """How far photos are; one that any ensemble scored is scored."""
    statuses: dict[str, set[str]] = {}
    for item in items:
        if (name := photo_name(item)) is not None:
            statuses.setdefault(name, set()).add(item["status"])
    scored = sum("scored" in found for found in statuses.values())
    return Counts(declared=len(names), scored=scored, failed=len(statuses) - scored, waiting=len(names) - len(statuses))


def _changed_by_others() -> ProblemError:
    return ProblemError(ProblemKind.CONCURRENT_REQUEST, "The batch is being changed by others; try again.")


def _declared(files: Iterable[FileDeclaration]) -> list[DeclaredFile]:
    return [DeclaredFile(file.name, file.bytes, file.type) for file in files]


def _summary(batch: Batch) -> BatchSummary:
    return BatchSummary(
        id=batch.key.batch,
        name=batch.name,
        created_at=batch.created_at,
        expires_at=batch.expires_at,
        ensembles=batch.ensembles,
        preview_heatmaps=batch.preview_heatmaps,
        declared=batch.n_files,
    )


def _digest(wish: NewBatch) -> str:
    return hashlib.sha256(wish.model_dump_json().encode()).hexdigest()


def _index_key(caller: Caller, created_at: str, batch: str) -> Item:
    return batch_item_key(caller.batch_key(batch)) | {"tenant": caller.tenant, "created_at": created_at}
