"""Bytes of a file that somebody sent → an upright RGB picture, or an error that says what is wrong."""

import io

from PIL import ExifTags, Image, UnidentifiedImageError

from model_store.images.colour import to_rgb
from model_store.images.decoders import formats_for
from model_store.images.errors import ImageError
from model_store.images.guards import check_before_decoding, check_before_opening, check_pixels
from model_store.images.kinds import unsupported_kind
from model_store.images.limits import DEFAULT_LIMITS, ImageLimits
from model_store.images.quirks import (
    clear_around,
    drop_unused_alpha,
    first_frame_box,
    forget_malformed_xmp,
    match_transparent_colour,
)
from model_store.images.scaling import Picture, scale_down
from model_store.images.truncation import is_cut_off

_MAX_REASON_CHARACTERS = 120
_UPRIGHT = {  # EXIF 2.32, tag 0x0112: what brings each orientation upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def check_size(n_bytes: int, filename: str, limits: ImageLimits = DEFAULT_LIMITS) -> None:
    """Refuse an empty or too large file by its size alone, before anybody reads or downloads it.

    Raises:
        ImageError: with code `empty_file` or `image_too_large`.
    """
    if n_bytes == 0:
        raise ImageError.empty(filename)
    if n_bytes > limits.max_bytes:
        raise ImageError.too_many_bytes(filename, n_bytes, limits.max_bytes)


def decode(data: bytes, filename: str, limits: ImageLimits = DEFAULT_LIMITS) -> Image.Image:
    """Decode an image file to an upright RGB picture at full resolution.

    EXIF orientation is applied, transparency is composited on white, every other mode is converted, and of an
    animation the first frame is taken. The pixels of an upright RGB image are those of
    `Image.open(file).convert("RGB")`. Safe to call from several threads.

    Args:
        data: the file.
        filename: its name, for messages only; the format is told from the bytes.
        limits: the largest file and picture to accept.

    Raises:
        ImageError: the file gives no picture. Nothing else is raised, whatever the bytes are.
    """
    return decode_scaled(data, filename, None, limits).image


def decode_scaled(
    data: bytes, filename: str, shorter_side: int | None, limits: ImageLimits = DEFAULT_LIMITS
) -> Picture:
    """Decode an image file as `decode` does, a large JPEG at an eighth, a quarter or half of its size.

    That saves most of the time and memory that a camera's photo takes. The limits are on the photo's own size.

    Args:
        data: the file.
        filename: its name, for messages only.
        shorter_side: how many pixels of it are wanted at least, where the photo has them; None wants all there are.
        limits: the largest file and photo to accept.

    Raises:
        ImageError: as `decode` does.
    """
    check_size(len(data), filename, limits)
    if (kind := unsupported_kind(data)) is not None:
        raise ImageError.unsupported(filename, kind)
    try:
        return _decode(data, filename, shorter_side, limits)
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError.too_many_pixels(filename, "has far more pixels than allowed", limits.max_pixels) from error
    except Exception as error:  # damaged files make decoders raise anything, SyntaxError too
        if is_cut_off(data, error):
            raise ImageError.truncated(filename) from error
        raise ImageError.unreadable(filename, _reason(error)) from error


def _decode(data: bytes, filename: str, shorter_side: int | None, limits: ImageLimits) -> Picture:
    check_before_opening(data, filename, limits)
    image = Image.open(io.BytesIO(data), formats=formats_for(data))
    check_before_decoding(image, data, filename, limits)
    forget_malformed_xmp(image)
    match_transparent_colour(image)
    frame_box = first_frame_box(image)
    photo_size = image.size
    region = scale_down(image, shorter_side) if shorter_side else None
    image.load()
    check_pixels(*image.size, filename, limits)
    rgb = clear_around(to_rgb(drop_unused_alpha(image)), frame_box)
    picture = Picture(rgb, *photo_size, region) if region else Picture.whole(rgb)
    return picture.turned(_UPRIGHT.get(_orientation(image)))


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation of a loaded image; 1 where its EXIF data is missing or damaged."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # the picture is good, whatever its metadata makes the parser raise
        return 1


def _reason(error: Exception) -> str:
    """A decoder's complaint in one short line."""
    if isinstance(error, UnidentifiedImageError):
        return "its contents are of no image format, or its header is damaged"
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _MAX_REASON_CHARACTERS else text[: _MAX_REASON_CHARACTERS - 1] + "…"
