"""Uploaded photos by their keys: `uploads/{tenant}/{batch}/{filename}`."""

import re
from dataclasses import dataclass
from typing import Self

PREFIX = "uploads/"
THUMBNAILS = "thumbnails/"  # in the bucket of heatmaps
# DynamoDB allows 1,024 bytes for a sort key, which also holds an ensemble's name of up to 64.
MAX_FILENAME_BYTES = 900

# A `#` ends the tenant in the table's keys. A filename may have slashes: it is all that is behind the batch.
_KEY = re.compile(rf"{PREFIX}(?P<tenant>[^/#]+)/(?P<batch>[^/#]+)/(?P<filename>.+)", re.DOTALL)


class NotAnUploadError(ValueError):
    """A key that is not an uploaded photo's; the message says why."""


@dataclass(frozen=True)
class BatchKey:
    """A batch, and whose it is."""

    tenant: str
    batch: str


@dataclass(frozen=True)
class UploadKey:
    """Whose photo it is, in which batch, and its name there."""

    tenant: str
    batch: str
    filename: str

    @classmethod
    def parse(cls, key: str) -> Self:
        """Reads an object's key.

        Raises:
            NotAnUploadError: it is a folder's, or lies elsewhere, or no record could be kept under its name.
        """
        if key.endswith("/"):
            raise NotAnUploadError("it is a folder")
        if not (match := _KEY.fullmatch(key)):
            raise NotAnUploadError(f"it is not {PREFIX}TENANT/BATCH/FILENAME, with no # in tenant and batch")
        if len(match["filename"].encode()) > MAX_FILENAME_BYTES:
            raise NotAnUploadError(f"its filename has more than {MAX_FILENAME_BYTES} bytes")
        return cls(**match.groupdict())

    @property
    def batch_key(self) -> BatchKey:
        """The batch that the photo belongs to."""
        return BatchKey(self.tenant, self.batch)

    @property
    def thumbnail_key(self) -> str:
        """Key of the photo's thumbnail, a JPEG."""
        return f"{THUMBNAILS}{self.tenant}/{self.batch}/{self.filename}.jpg"

    def __str__(self) -> str:
        """Returns the object's key."""
        return f"{PREFIX}{self.tenant}/{self.batch}/{self.filename}"
