"""Batches of photos, and the keys by which they were asked for, as items of the results table; and back.

A batch that was deleted leaves an item under its key that says so, for a while: deleting can go on where it was
interrupted, and what arrives late is known to be late. It is in no index.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from model_store.items import Item, asked_ensembles, batch_item_key, expiry
from model_store.uploads import BatchKey

BY_TENANT = "by_tenant"
"""The index of batches by tenant and time of creation."""

HEAD_ATTRIBUTES = (
    *("tenant", "batch", "name", "created_at", "created_by", "expires_at", "deleted_at"),
    *("ensembles", "preview_heatmaps", "n_files", "revision"),
)
"""What `stored_batch` reads; a batch's item holds its files, too."""


@dataclass(frozen=True)
class DeclaredFile:
    """A file that is to be uploaded: its name in the batch, its size, and its type, such as `image/jpeg`."""

    name: str
    bytes: int
    type: str


@dataclass(frozen=True)
class Batch:
    """A batch of photos, apart from its files.

    Attributes:
        key: whose it is, and its id.
        name: what people call it.
        created_at: when it was made, in UTC.
        created_by: the user who made it.
        expires_at: from when on the table forgets it.
        ensembles: references of the ensembles that were asked for, none for the default.
        preview_heatmaps: whether heatmaps are made together with the scores.
        n_files: how many files were declared.
        revision: grows with each change, so that none is made on top of another one that its maker did not see.
    """

    key: BatchKey
    name: str
    created_at: datetime
    created_by: str
    expires_at: datetime
    ensembles: tuple[str, ...] = ()
    preview_heatmaps: bool = False
    n_files: int = 0
    revision: int = 0


def batch_item(batch: Batch, files: Collection[DeclaredFile]) -> Item:
    """The item that keeps a batch with its files, of which `n_files` are counted anew."""
    return batch_item_key(batch.key) | {
        "tenant": batch.key.tenant,
        "batch": batch.key.batch,
        "name": batch.name,
        "created_at": batch.created_at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "created_by": batch.created_by,
        "expires_at": expiry(batch.expires_at, timedelta()),
        "ensembles": list(batch.ensembles),
        "preview_heatmaps": batch.preview_heatmaps,
        "n_files": Decimal(len(files)),
        "revision": Decimal(batch.revision),
        "files": [{"name": file.name, "bytes": Decimal(file.bytes), "type": file.type} for file in files],
    }


def stored_batch(item: Mapping[str, Any]) -> Batch:
    """The batch that an item keeps, which `was_deleted` says there still is."""
    return Batch(
        key=BatchKey(item["tenant"], item["batch"]),
        name=item["name"],
        created_at=datetime.fromisoformat(item["created_at"]),
        created_by=item["created_by"],
        expires_at=datetime.fromtimestamp(int(item["expires_at"]), UTC),
        ensembles=asked_ensembles(item),
        preview_heatmaps=item["preview_heatmaps"],
        n_files=int(item["n_files"]),
        revision=int(item["revision"]),
    )


def declared_files(item: Mapping[str, Any]) -> tuple[DeclaredFile, ...]:
    """The files that a batch's item declares, in the order in which they were."""
    return tuple(DeclaredFile(file["name"], int(file["bytes"]), file["type"]) for file in item["files"])


def deleted_batch_item(batch: BatchKey, revision: int, deleted_at: datetime, remembered: timedelta) -> Item:
    """The item that a deleted batch leaves."""
    ours = {"deleted_at": deleted_at.isoformat(timespec="milliseconds"), "expires_at": expiry(deleted_at, remembered)}
    return batch_item_key(batch) | ours | {"revision": Decimal(revision)}


def was_deleted(item: Mapping[str, Any]) -> bool:
    """Whether an item is what a deleted batch leaves."""
    return "deleted_at" in item


def idempotency_item_key(tenant: str, key: str) -> Item:
    """Where it is kept what a tenant's idempotency key made."""
    return {"pk": f"TENANT#{tenant}", "sk": f"IDEMPOTENCY#{key}"}


def idempotency_item(batch: BatchKey, key: str, request: str, expires_at: datetime) -> Item:
    """The item that keeps which batch a request made.

    Args:
        batch: the batch.
        key: what the client calls its request.
        request: digest of the request.
        expires_at: from when on the key may be used again.
    """
    ours = {"batch": batch.batch, "request": request, "expires_at": expiry(expires_at, timedelta())}
    return idempotency_item_key(batch.tenant, key) | ours
