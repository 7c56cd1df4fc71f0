"""What a request may ask for at most; the OpenAPI document and docs/api.md state the same numbers."""

from enum import StrEnum

MAX_FILES = 200  # in a batch, however often files are added
MAX_FILE_NAME_BYTES = 255  # in UTF-8, as in common file systems; leaves room for what keys hold beside it
MAX_BATCH_NAME_CHARACTERS = 120
MAX_ENSEMBLES = 4  # of a batch
MAX_HEATMAP_PHOTOS, MAX_HEATMAP_SUBJECTS = 50, 8  # of a request
MAX_HEATMAPS = 200  # of a request: photos times subjects times methods
MAX_PAGE, DEFAULT_PAGE = 100, 50
MAX_CURSOR_CHARACTERS = 1_000

UPLOAD_LINK_SECONDS = 3_600  # a phone's photos over a slow line
DOWNLOAD_LINK_SECONDS = 3_600
IDEMPOTENCY_HOURS = 24


class ImageType(StrEnum):
    """Media types that may be uploaded: what `model_store.images` decodes."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    HEIC = "image/heic"
    HEIF = "image/heif"
    AVIF = "image/avif"
    TIFF = "image/tiff"
    GIF = "image/gif"
    BMP = "image/bmp"
