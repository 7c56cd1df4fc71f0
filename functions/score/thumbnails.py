"""Thumbnails of scored photos, so that who looks at a batch need not fetch and decode the photos themselves."""

import logging
from concurrent.futures import Executor
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

    def keep(self, upload: UploadKey, network: Executor, _name: str, image: Image) -> None:
        """Makes a photo's thumbnail at once, while its pixels are here, and has it written meanwhile."""
        try:
            network.submit(self._write, upload, thumbnail(image))
        except Exception:
            logger.exception("%s has no thumbnail: it could not be made", upload)

    def _write(self, upload: UploadKey, jpeg: bytes) -> None:
        try:
            self._pictures.write(upload.thumbnail_key, jpeg, MEDIA_TYPE)
        except Exception:
            logger.exception("%s has no thumbnail: it could not be written", upload)
