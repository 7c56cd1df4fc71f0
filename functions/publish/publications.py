"""What became of an uploaded model, kept in the results table."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from functions.publish.artefacts import UploadedModel
from model_store.items import ORDER, Item


class PublicationStatus(StrEnum):
    """How far a publication came.

    PUBLISHED: the version is there, and serves where it asked to unless a later upload of the model does.
    REFUSED: the upload is at fault; the volume is as it was, and a corrected upload is needed.
    INTERRUPTED: the platform is at fault; it is tried again.
    """

    PUBLISHED = "published"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Publication:
    """What became of an uploaded model.

    Attributes:
        status: how far it came.
        ensemble: the ensemble version (`name@version`) that it has joined.
        alias: the alias that was moved to it.
        error: why it was refused or interrupted.
    """

    status: PublicationStatus
    ensemble: str | None = None
    alias: str | None = None
    error: str | None = None


def publication_key(upload: UploadedModel) -> Item:
    """Key of a publication's item."""
    return {"pk": f"PUBLICATION#{upload.name}", "sk": upload.version}


def publication_item(upload: UploadedModel, publication: Publication, now: datetime) -> Item:
    """The item that keeps a publication."""
    return publication_key(upload) | {
        "status": publication.status.value,
        "ensemble": publication.ensemble,
        "alias": publication.alias,
        "error": publication.error,
        "object_version": upload.event.version_id,
        ORDER: upload.event.order,
        "recorded_at": now.isoformat(timespec="milliseconds"),
    }


def place_item(upload: UploadedModel, place: str) -> Item:
    """The item by which an upload takes its model's place in an ensemble or behind an alias, which share no names.

    It is kept with `put_newer`, so that of several versions the one that was uploaded last has the place.
    """
    # No version has a `#`, so that no publication has this key.
    key = {"pk": f"PUBLICATION#{upload.name}", "sk": f"SERVED#{place}"}
    return key | {"version": upload.version, ORDER: upload.event.order}


def is_settled(item: Item | None, upload: UploadedModel) -> bool:
    """Whether nothing is left to do for an upload, given its item: it is done with, or was replaced by a later one."""
    if item is None or item[ORDER] < upload.event.order:
        return False
    return bool(item[ORDER] > upload.event.order or item["status"] != PublicationStatus.INTERRUPTED)
