"""Heatmaps as items of the results table and as objects of the heatmaps bucket.

| pk                           | sk                                      | item                              |
|------------------------------|-----------------------------------------|-----------------------------------|
| `TENANT#{tenant}#BATCH#{id}` | `HEATMAP#{filename}#{subject}#{method}` | a heatmap: queued, done or failed |
| `TENANT#{tenant}#BATCH#{id}` | `SCALE#{subject}#{method}`              | the scale that its photos share   |

An item holds the fields of its record and, like the other items of the table, `object_version`, `event_order` and
`expires_at`. `event_order` is that of the photo's upload, as in the photo's score records, so that a heatmap of a later
version of the photo takes the place of one of an earlier version. Of one version, the heatmap that is done first stays:
every write is made under the condition of `model_store.aws.table.Table.put_unless_done`.

The objects' keys hold a digest of the upload and of the networks that explain it. A worker that comes too late, with an
earlier version of the photo or of a network, therefore writes beside the objects that the newer record points to and
never over them. What no record points to any more goes with its batch, or when the bucket's lifecycle ends it.

The scale of a batch is that of its first heatmaps: photos of one batch can be compared, whenever their maps are made.

Who asks for a heatmap writes the queued record, then sends the job. Who deletes a batch deletes the items of its
heatmaps, too: what a worker still has in hand then finds no place any more.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from model_store.heatmaps.methods import Method
from model_store.heatmaps.records import DoneHeatmap, FailedHeatmap, QueuedHeatmap, parse_heatmap_record
from model_store.heatmaps.subjects import HeatmapSubject
from model_store.items import ORDER, Item, partition_key, plain_number
from model_store.uploads import UploadKey

HEATMAP_SORT_KEYS = "HEATMAP#"  # what those of heatmaps begin with
OBJECTS = "heatmaps/"  # what their objects' keys begin with

# Of a sort key in DynamoDB (developer guide, "Quotas") and of a key in S3 (user guide, "Naming objects").
MAX_KEY_BYTES = 1024

# Of a SHA-256: tells a few versions of one photo apart.
_DIGEST_CHARACTERS = 16

# Everything else in an item is ours, not the record's.
_RECORD_FIELDS = frozenset({*QueuedHeatmap.model_fields, *DoneHeatmap.model_fields, *FailedHeatmap.model_fields})

# A filename may hold anything, a subject and a method no `#`.
_SORT_KEY = re.compile(rf"{HEATMAP_SORT_KEYS}(?P<filename>.+)#(?P<subject>[^#]+)#(?P<method>[^#]+)", re.DOTALL)

type HeatmapRecord = QueuedHeatmap | DoneHeatmap | FailedHeatmap


@dataclass(frozen=True)
class HeatmapOrigin:
    """What a heatmap is made of, and how long it is kept.

    Attributes:
        object_version: version of the photo's object, None for the newest, or in a bucket without versions.
        event_order: that of the photo's score records (`model_store.items.Origin`); empty where there is none yet.
        expires_at: when DynamoDB deletes the item, in seconds since 1970.
    """

    object_version: str | None
    event_order: str
    expires_at: Decimal


@dataclass(frozen=True)
class ObjectKeys:
    """Where the objects of a heatmap lie.

    Attributes:
        overlay: key of the transparent overlay (PNG).
        map: key of the signed map (NPZ).
    """

    overlay: str
    map: str

    @classmethod
    def within(cls, folder: str) -> Self:
        """The keys in a folder."""
        return cls(f"{folder}/overlay.png", f"{folder}/map.npz")


@dataclass(frozen=True)
class HeatmapPlace:
    """Where a heatmap is kept: its photo, what it explains, and how.

    Attributes:
        upload: the photo.
        subject: the model or the ensemble's measure that is explained, as it was asked for.
        method: how.
    """

    upload: UploadKey
    subject: HeatmapSubject
    method: Method

    @property
    def item_key(self) -> Item:
        """Key of the item."""
        name = f"{self.upload.filename}#{self.subject.slug}#{self.method}"
        return {"pk": partition_key(self.upload.batch_key), "sk": f"{HEATMAP_SORT_KEYS}{name}"}

    @property
    def scale_key(self) -> Item:
        """Key of the item with the scale that all heatmaps of the batch share, of this subject and method."""
        return {"pk": partition_key(self.upload.batch_key), "sk": f"SCALE#{self.subject.slug}#{self.method}"}

    def object_keys(self, origin: HeatmapOrigin, models: Sequence[str]) -> ObjectKeys:
        """Keys of the objects, which no heatmap of another upload or of other networks shares.

        Args:
            origin: what the heatmap is made of.
            models: whose maps are averaged, as `name@version`.
        """
        made_of = json.dumps([origin.object_version, origin.event_order, *models])
        digest = hashlib.sha256(made_of.encode()).hexdigest()
        return ObjectKeys.within(f"{self._folder}/{digest[:_DIGEST_CHARACTERS]}")

    def holds(self, key: str) -> bool:
        """Whether an object belongs to this heatmap, or to one of an earlier version of photo or networks."""
        return key.startswith(f"{self._folder}/")

    @property
    def fits(self) -> bool:
        """Whether DynamoDB and S3 take the keys, which a long filename and long names together may be too long for."""
        objects = ObjectKeys.within(f"{self._folder}/{'0' * _DIGEST_CHARACTERS}")
        return all(len(key.encode()) <= MAX_KEY_BYTES for key in (self.item_key["sk"], objects.overlay))

    @property
    def _folder(self) -> str:
        upload = self.upload
        return f"{OBJECTS}{upload.tenant}/{upload.batch}/{upload.filename}/{self.subject.slug}/{self.method}"


@dataclass(frozen=True)
class StoredHeatmap:
    """A heatmap as the table keeps it.

    Attributes:
        filename: the photo's name in its batch.
        origin: what it is made of.
        record: what became of it so far.
    """

    filename: str
    origin: HeatmapOrigin
    record: HeatmapRecord


def heatmap_item(place: HeatmapPlace, record: HeatmapRecord, origin: HeatmapOrigin) -> Item:
    """The item that keeps a heatmap's record."""
    fields: Item = json.loads(record.to_json(), parse_float=Decimal, parse_int=Decimal)
    ours = {
        "object_version": origin.object_version,
        ORDER: origin.event_order,
        "expires_at": origin.expires_at,
    }
    return place.item_key | fields | ours


def stored_heatmap(item: Mapping[str, Any]) -> StoredHeatmap | None:
    """The heatmap that an item keeps; None for an item that keeps something else."""
    if not (match := _SORT_KEY.fullmatch(item["sk"])):
        return None
    fields = {name: value for name, value in item.items() if name in _RECORD_FIELDS}
    record = parse_heatmap_record(json.dumps(fields, default=plain_number))
    origin = HeatmapOrigin(item["object_version"], item[ORDER], item["expires_at"])
    return StoredHeatmap(match["filename"], origin, record)
