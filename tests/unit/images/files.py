"""Small image files, encoded by Pillow or, where it cannot write what a test needs, byte by byte."""

import io
import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)

# Every format that is decoded, with options that keep pixels exact where the format can.
FORMATS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95},
    "PNG": {},
    "WEBP": {"lossless": True},
    "GIF": {},
    "TIFF": {"compression": "tiff_lzw"},
    "BMP": {},
    "DIB": {},
    "JPEG2000": {},
    "HEIF": {"quality": -1, "chroma": 444},
    "AVIF": {"quality": 95},
    "ICO": {},
    "TGA": {"compression": "tga_rle"},
    "PPM": {},
}

TiffTag = tuple[int, int, int | Sequence[int]]
SHORT, LONG = 3, 4


def photo(width: int = 48, height: int = 32, seed: int = 0) -> Image.Image:
    """A smooth picture without symmetry, as encoders expect it."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def encode(image: Image.Image, image_format: str, **options: Any) -> bytes:
    """The bytes of an image file."""
    buffer = io.BytesIO()
    if image_format == "HEIF":  # without registering a plugin, which is for the code under test to do
        heif = pillow_heif.from_pillow(image)
        if exif := options.pop("exif", None):
            heif[0].info["exif"] = exif if isinstance(exif, bytes) else exif.tobytes()
        heif.save(buffer, **options)
    else:
        image.save(buffer, image_format, **options)
    return buffer.getvalue()


def two_pixels(mode: str, first: Any, second: Any) -> Image.Image:
    """An image of two pixels side by side."""
    image = Image.new(mode, (2, 1))
    image.putpixel((0, 0), first)
    image.putpixel((1, 0), second)
    return image


def png(size: tuple[int, int], depth: int, colour_type: int, row: bytes, chunks: bytes = b"") -> bytes:
    """A PNG file whose rows are all alike."""
    width, height = size
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    data = zlib.compress((b"\0" + row) * height)
    return (
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + chunks + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")
    )


def start_of_png(width: int, height: int) -> bytes:
    """A PNG file that ends where its pixels would begin."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + struct.pack(">I4s", 999_999, b"IDAT")


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def tiff(tags: Iterable[TiffTag], data: bytes, data_tag: int = 273) -> bytes:
    """A TIFF file of one strip or tile, whose position is written under `data_tag` and its size under the next."""
    sizes_tag = data_tag + (6 if data_tag == 273 else 1)
    fields = sorted([*tags, (data_tag, LONG, 0), (sizes_tag, LONG, len(data))])
    end = 8 + 2 + 12 * len(fields) + 4
    arrays = b""
    entries = b""
    for tag, kind, value in fields:
        values = [value] if isinstance(value, int) else list(value)
        packed = struct.pack(f"<{len(values)}{'H' if kind == SHORT else 'I'}", *values)
        if tag == data_tag:
            packed = struct.pack("<I", end)  # the data come before the arrays
        elif len(packed) > 4:
            packed, arrays = struct.pack("<I", end + len(data) + len(arrays)), arrays + packed
        entries += struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    return struct.pack("<2sHIH", b"II", 42, 8, len(fields)) + entries + bytes(4) + data + arrays


def grey_tiff(size: tuple[int, int], bits: int, data: bytes, photometric: int = 1) -> bytes:
    """An uncompressed greyscale TIFF file; photometric 0 means that zero is white."""
    width, height = size
    tags = [(256, SHORT, width), (257, SHORT, height), (258, SHORT, bits), (259, SHORT, 1)]
    return tiff([*tags, (262, SHORT, photometric), (277, SHORT, 1), (278, SHORT, height)], data)


def run_length_bmp(width: int, height: int, runs: bytes) -> bytes:
    """An 8-bit run-length encoded BMP file with a grey palette."""
    palette = b"".join(bytes([level, level, level, 0]) for level in range(256))
    start = 14 + 40 + len(palette)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(runs), 0, 0, 256, 0)
    return struct.pack("<2sIHHI", b"BM", start + len(runs), 0, 0, start) + info + palette + runs


def icon(image: bytes, size: int | None = None) -> bytes:
    """A Windows icon of one image that its directory calls 16 by 16, and `size` bytes long."""
    entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, size or len(image), 22)
    return struct.pack("<HHH", 0, 1, 1) + entry + image
