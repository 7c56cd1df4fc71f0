"""Thumbnails of scored photos, so that who looks at a batch need not fetch and decode the photos themselves."""

import logging
from typing import final

from PIL.Image import Image

from model_store.images.thumbnails import MEDIA_TYPE, thumbnail
from model_store.ports import ObjectSink
from model_store.uploads import UploadKey

logger = logging.getLogger(__name__)


@final
class Thumbnails:
    """Keeps a thumbnail of each photo; one that cannot be made or kept costs no record and is logged."""

    def __init__(self, pictures: ObjectSink) -> None:
        self._pictures = pictures

    def make(self, upload: UploadKey, image: Image) -> bytes | None:
        """A photo's thumbnail as JPEG, made while its pixels are here; None where it could not be made."""
        try:
            return thumbnail(image)
        except Exception:
            logger.exception("%s has no thumbnail: it could not be made", upload)
            return None

    def write(self, upload: UploadKey, jpeg: bytes) -> None:
        """Keeps a photo's thumbnail, in place of that of an earlier upload under its name."""
        try:
            self._pictures.write(upload.thumbnail_key, jpeg, MEDIA_TYPE)
        except Exception:
            logger.exception("%s has no thumbnail: it could not be written", upload)
