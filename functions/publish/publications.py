"""What became of an uploaded model, kept in the results table."""

from datetime import datetime

from functions.publish.artefacts import UploadedModel
from model_store.items import ORDER, Item
from model_store.publications import Publication, PublicationStatus, publication_item_key


def publication_key(upload: UploadedModel) -> Item:
    """Key of a publication's item."""
    return publication_item_key(upload.name, upload.version)


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
