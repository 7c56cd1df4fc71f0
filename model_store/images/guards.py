"""Checks that keep one file from costing minutes or gigabytes, made before the decoder in question runs.

Pillow lets a program compare an image's size with a limit between opening and decoding. For most formats that
is enough; these are the checks for those where the declared size says nothing about the cost.
"""

import re

from PIL import ImageFile

from model_store.images.errors import ImageError
from model_store.images.icons import ICON_SIGNATURE, icons
from model_store.images.limits import ImageLimits
from model_store.images.tiff_directory import TiffDirectory

# Pillow needs 5 µs for a strip. A photo of 50 megapixels in strips of one row and one plane has some 20,000.
MAX_TIFF_PIECES = 200_000
# Encoders write 3 to 12 scans. One can cost 33 ms at 50 megapixels, and 25 MB have room for 300,000 such.
MAX_JPEG_SCANS = 100
# Plain and rescaled PPM and run-length BMP, which Pillow decodes in Python at about 1 µs a pixel.
INTERPRETED_CODECS = frozenset({"ppm", "ppm_plain", "bmp_rle"})
MAX_INTERPRETED_PIXELS = 4_000_000

_START_OF_SCAN = b"\xff\xda"
_JPEG_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")  # neither stuffing, fill bytes nor restart markers


def check_before_opening(data: bytes, filename: str, limits: ImageLimits) -> None:
    """Refuse files whose mere opening is costly.

    Raises:
        ImageError: an icon with a huge image inside, which Pillow would decode while opening it; or a TIFF
            file in too many strips or too large tiles, or one that is a camera's raw file.
    """
    if data.startswith(ICON_SIGNATURE):
        for icon in icons(data):
            check_pixels(icon.width, icon.height, filename, limits)
    if (directory := TiffDirectory.read(data)) is not None:
        _check_tiff(directory, filename, limits)


def check_before_decoding(image: ImageFile.ImageFile, data: bytes, filename: str, limits: ImageLimits) -> None:
    """Refuse opened images whose decoding is costly.

    Raises:
        ImageError: more pixels than the limit, more than `MAX_INTERPRETED_PIXELS` where the decoder is
            written in Python, or a progressive JPEG of more than `MAX_JPEG_SCANS` scans.
    """
    check_pixels(*image.size, filename, limits)
    n_pixels = image.width * image.height
    if image.tile and image.tile[0][0] in INTERPRETED_CODECS and n_pixels > MAX_INTERPRETED_PIXELS:
        described = f"has {n_pixels / 1e6:.1f} megapixels in a slow {image.format} encoding"
        raise ImageError.too_many_pixels(filename, described, MAX_INTERPRETED_PIXELS)
    if image.info.get("progressive") and _n_scans(data) > MAX_JPEG_SCANS:
        raise ImageError.unreadable(filename, f"its JPEG data has more than {MAX_JPEG_SCANS} scans")


def check_pixels(width: int, height: int, filename: str, limits: ImageLimits) -> None:
    """Refuse a picture of more pixels than the limit.

    Raises:
        ImageError: with code `image_too_large`.
    """
    if width * height > limits.max_pixels:
        described = f"has {width * height / 1e6:,.1f} megapixels ({width} by {height})"
        raise ImageError.too_many_pixels(filename, described, limits.max_pixels)


def _check_tiff(directory: TiffDirectory, filename: str, limits: ImageLimits) -> None:
    if directory.is_camera_raw:
        raise ImageError.unsupported(filename, "a camera raw photo")
    if directory.n_pieces > MAX_TIFF_PIECES:
        reason = f"it lies in {directory.n_pieces:,} TIFF strips and the limit is {MAX_TIFF_PIECES:,}"
        raise ImageError.unreadable(filename, reason)
    if directory.tile_pixels > limits.max_pixels:
        described = f"has tiles of {directory.tile_pixels / 1e6:,.1f} megapixels"
        raise ImageError.too_many_pixels(filename, described, limits.max_pixels)


def _n_scans(data: bytes) -> int:
    """Count the scans of a JPEG file's first image, or give an upper bound where that is within the limit.

    Behind the image may lie others, or a video, so the bytes of a scan's marker prove nothing by themselves.
    """
    if (upper_bound := data.count(_START_OF_SCAN)) <= MAX_JPEG_SCANS:
        return upper_bound
    n_scans, position = 0, 2
    while (marker := _JPEG_MARKER.search(data, position)) and marker[1] != b"\xd9":
        n_scans += marker[1] == b"\xda"
        position = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2])
    return n_scans
