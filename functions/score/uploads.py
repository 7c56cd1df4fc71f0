"""The photos that events are about."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from functions.events import ObjectEvent
from model_store.uploads import NotAnUploadError, UploadKey

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Upload:
    """A photo that was uploaded, and the event that says so."""

    key: UploadKey
    event: ObjectEvent


def find_uploads(events: Iterable[ObjectEvent], bucket: str) -> list[Upload]:
    """The photos among what happened to objects; all else is logged and ignored."""
    return [upload for upload in (_upload(event, bucket) for event in events) if upload]


def _upload(event: ObjectEvent, bucket: str) -> Upload | None:
    try:
        if event.bucket != bucket:
            raise NotAnUploadError(f"it is not in the bucket {bucket}")
        if not event.is_creation:
            raise NotAnUploadError("nothing was uploaded")
        return Upload(UploadKey.parse(event.key), event)
    except NotAnUploadError as reason:
        logger.info("ignored: %s of s3://%s/%s: %s", event.name, event.bucket, event.key, reason)
        return None
