"""Records as items of the results table, and back.

| pk                            | sk                                     | item                            |
|-------------------------------|----------------------------------------|---------------------------------|
| `TENANT#{tenant}#BATCH#{id}`  | `BATCH`                                | a batch                         |
| `TENANT#{tenant}#BATCH#{id}`  | `PHOTO#{filename}#ENSEMBLE#{ensemble}` | a photo's record by an ensemble |
| `PUBLICATION#{model}`         | `{version}`                            | what became of a publication    |

`event_order` orders the writes of an item: the one that stems from the latest event stays. `expires_at` is the time, in
seconds since 1970, from which DynamoDB deletes the item.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from model_store.records import FailedRecord, ScoredRecord, parse_record
from model_store.uploads import BatchKey, UploadKey

BATCH_SORT_KEY = "BATCH"
PHOTO_SORT_KEYS = "PHOTO#"  # what those of records begin with
ORDER = "event_order"

type Item = dict[str, Any]
"""Attributes by name: strings, `Decimal` numbers, booleans, None, lists and mappings."""

# Everything else in an item is ours, not the record's.
_RECORD_FIELDS = frozenset({*ScoredRecord.model_fields, *FailedRecord.model_fields})

# A filename may hold anything, an ensemble's name no `#`.
_PHOTO_SORT_KEY = re.compile(rf"{PHOTO_SORT_KEYS}(?P<filename>.+)#ENSEMBLE#(?P<ensemble>[^#]+)", re.DOTALL)


@dataclass(frozen=True)
class Origin:
    """Where a record comes from.

    Attributes:
        object_version: version of the photo's object, None in a bucket without versions.
        event_order: see `functions.events.ObjectEvent`.
        scored_at: when it was scored, with time zone.
    """

    object_version: str | None
    event_order: str
    scored_at: datetime


@dataclass(frozen=True)
class PhotoRecord:
    """A record as the table keeps it.

    Attributes:
        filename: the photo's name in its batch.
        ensemble: name of the ensemble that was asked.
        object_version: see `Origin`.
        record: what became of the photo.
    """

    filename: str
    ensemble: str
    object_version: str | None
    record: ScoredRecord | FailedRecord


def partition_key(batch: BatchKey) -> str:
    """What a batch's item and those of its photos share."""
    return f"TENANT#{batch.tenant}#BATCH#{batch.batch}"


def batch_item_key(batch: BatchKey) -> Item:
    """Key of a batch's own item."""
    return {"pk": partition_key(batch), "sk": BATCH_SORT_KEY}


def photo_key(upload: UploadKey, ensemble: str) -> Item:
    """Key of the record of a photo by an ensemble, which is named without a version."""
    return {"pk": partition_key(upload.batch_key), "sk": f"{PHOTO_SORT_KEYS}{upload.filename}#ENSEMBLE#{ensemble}"}


def record_item(
    upload: UploadKey, ensemble: str, record: ScoredRecord | FailedRecord, origin: Origin, retention: timedelta
) -> Item:
    """The item that keeps a record.

    Args:
        upload: the photo.
        ensemble: name of the ensemble that was asked, which a failed record does not hold.
        record: what became of it.
        origin: what it comes from.
        retention: how long it is kept.
    """
    fields: Item = json.loads(record.to_json(), parse_float=Decimal, parse_int=Decimal)
    ours = {
        "object_version": origin.object_version,
        ORDER: origin.event_order,
        "scored_at": origin.scored_at.isoformat(timespec="milliseconds"),
        "expires_at": expiry(origin.scored_at, retention),
    }
    return photo_key(upload, ensemble) | fields | ours


def item_record(item: Mapping[str, Any]) -> ScoredRecord | FailedRecord:
    """The record that an item keeps: the one that `memorability score --json` prints."""
    fields = {name: value for name, value in item.items() if name in _RECORD_FIELDS}
    return parse_record(json.dumps(fields, default=plain_number))


def photo_record(item: Mapping[str, Any]) -> PhotoRecord | None:
    """The record that an item keeps and whose it is; None for an item that keeps something else."""
    if not (match := _PHOTO_SORT_KEY.fullmatch(item["sk"])):
        return None
    return PhotoRecord(match["filename"], match["ensemble"], item["object_version"], item_record(item))


def photo_name(item: Mapping[str, Any]) -> str | None:
    """The name of the photo whose record an item keeps, told by its key alone; None for an item of another kind."""
    match = _PHOTO_SORT_KEY.fullmatch(item["sk"])
    return match and match["filename"]


def asked_ensembles(batch: Mapping[str, Any]) -> tuple[str, ...]:
    """References of the ensembles that a batch asks for, none where it leaves the choice open."""
    return tuple(sorted(batch.get("ensembles") or ()))


def expiry(start: datetime, retention: timedelta) -> Decimal:
    """When DynamoDB may delete an item, in seconds since 1970."""
    return Decimal(int((start + retention).timestamp()))


def plain_number(value: object) -> int | float:
    """A number of an item as JSON writes it; for `json.dumps(..., default=plain_number)`."""
    if not isinstance(value, Decimal):
        raise TypeError(f"an item of the results table has no {type(value).__name__}")
    return int(value) if value == value.to_integral_value() else float(value)
