"""Every pixel mode to 8-bit RGB as it would look on a white page.

RGB pixels are kept and colour profiles are not applied, as in the published models' own preprocessing.
"""

import numpy as np
from jaxtyping import Float, Num, UInt8
from PIL import Image, PpmImagePlugin

from model_store.images.tiff_directory import BITS_PER_SAMPLE, PHOTOMETRIC_INTERPRETATION

type _Samples = Num[np.ndarray, "height width"]

_DEEP_MODES = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
_WHITE_IS_ZERO = 0


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert a loaded image of any mode to RGB, what is transparent on white.

    An RGB image is returned itself. Deep greyscale is scaled to 8 bits, never clipped; see `_full_scale`.
    """
    if image.mode in _DEEP_MODES:
        image = _eight_bit(image)
    if image.mode == "La":  # Pillow converts premultiplied grey to nothing else
        image = image.convert("LA")
    if image.has_transparency_data:
        return _on_white(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":  # else convert() would copy
        image = image.convert("RGBA")
    page = Image.new("RGB", image.size, "white")
    page.paste(image, mask=image)
    return page


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale deep greyscale to mode "L", or "LA" where one of its values is transparent."""
    samples = np.asarray(image)
    if image.mode == "F" and not np.isfinite(samples).all():
        samples = np.where(np.isfinite(samples), samples, np.float32(0))
    grey = Image.fromarray(_scale(samples, *_levels(image, samples)))
    if _tag(image, PHOTOMETRIC_INTERPRETATION) == _WHITE_IS_ZERO:
        grey = grey.point(lambda value: 255 - value)
    if (transparent := image.info.get("transparency")) is not None:
        grey.putalpha(Image.fromarray(np.where(samples == transparent, np.uint8(0), np.uint8(255))))
    return grey


def _levels(image: Image.Image, samples: _Samples) -> tuple[float, float]:
    """The samples that mean black and white.

    In 16-bit modes 0 and 65535, so that 257 steps make one of 8 bits; in 12-bit TIFF 0 and 4095. Integers of 32
    bits and floats carry no such levels: white is taken to be the smallest of 1 (floats only), 255 and 65535 that
    no sample exceeds, but always 65535 in a deep PGM file, because Pillow scales those. Samples below 0 or above
    65535 belong to a measurement rather than a photo, and their own range is spread over black to white.
    """
    if image.mode.startswith("I;16"):
        return 0.0, 2.0 ** (_tag(image, BITS_PER_SAMPLE) or 16) - 1
    if image.mode == "I" and image.format == PpmImagePlugin.PpmImageFile.format:
        return 0.0, 65535.0
    low, high = float(samples.min()), float(samples.max())
    whites = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
    return next(((0.0, white) for white in whites if low >= 0 and high <= white), (low, high))


def _scale(samples: _Samples, black: float, white: float) -> UInt8[np.ndarray, "height width"]:
    """Map black..white to 0..255, to the nearest; all of one level to black."""
    precision = np.float64 if black else np.float32  # a range far from zero needs the digits
    values: Float[np.ndarray, "height width"] = np.subtract(samples, black, dtype=precision)
    np.multiply(values, 255 / (white - black or 1), out=values)
    np.rint(values, out=values)
    return np.clip(values, 0, 255, out=values).astype(np.uint8)


def _tag(image: Image.Image, tag: int) -> int | None:
    """The first value of a TIFF file's integer tag; None for other formats and where it is missing."""
    value = getattr(image, "tag_v2", {}).get(tag)
    first = value[0] if isinstance(value, tuple) and value else value
    return first if isinstance(first, int) else None
