"""A photo lies upright, however the camera was held, and whatever state its metadata is in."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model_store.images import decode
from tests.unit.images.files import RED, SHORT, TiffTag, encode, photo, tiff

ORIENTATION = 274
# How a picture has to be stored so that each orientation shows it upright (EXIF 2.32, tag 0x0112).
STORED_AS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
LOSSLESS = [("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"})]


@pytest.mark.parametrize("orientation", STORED_AS)
@pytest.mark.parametrize(("image_format", "options"), LOSSLESS, ids=str)
def test_eight_orientations_give_one_picture(image_format: str, options: dict[str, object], orientation: int) -> None:
    upright = photo()
    turn = STORED_AS[orientation]
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = upright if turn is None else upright.transpose(turn)

    decoded = decode(encode(stored, image_format, exif=exif, **options), "photo")

    assert np.array_equal(np.asarray(decoded), np.asarray(upright))


@pytest.mark.parametrize("image_format", ["JPEG", "HEIF", "AVIF"])
def test_a_phone_held_upright(image_format: str) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6

    decoded = decode(encode(photo(48, 32), image_format, exif=exif, quality=95), "photo")

    assert decoded.size == (32, 48)
    difference = np.asarray(decoded, np.int16) - np.asarray(photo(48, 32).rotate(-90, expand=True), np.int16)
    assert np.abs(difference).mean() < 5


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0",
        b"Exif\0\0not a TIFF header",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(range(200)),
    ],
)
@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_broken_exif_does_not_cost_the_picture(image_format: str, exif: bytes) -> None:
    assert decode(encode(photo(48, 32), image_format, exif=exif), "photo").size == (48, 32)


def test_broken_xmp_does_not_cost_the_picture() -> None:
    tags: list[TiffTag] = [(256, SHORT, 1), (257, SHORT, 1), (258, SHORT, [8, 8, 8]), (259, SHORT, 1)]
    data = tiff([*tags, (262, SHORT, 2), (277, SHORT, 3), (700, SHORT, [1, 2, 3])], bytes(RED))

    assert decode(data, "photo.tif").getpixel((0, 0)) == RED


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_means_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation

    assert decode(encode(photo(48, 32), "JPEG", exif=exif), "photo.jpg").size == (48, 32)


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["Landscape", "Portrait"])
def test_photos_of_every_orientation_look_alike(shared_data: Path, name: str) -> None:
    pictures = [
        decode((shared_data / "exif_orientation" / f"{name}_{n}.jpg").read_bytes(), f"{name}_{n}.jpg") for n in range(9)
    ]

    assert {picture.width > picture.height for picture in pictures} == {name == "Landscape"}
    small = np.stack([np.asarray(picture.resize((64, 64)), np.float32) for picture in pictures])
    # The photos differ by a digit in the middle and by JPEG noise; turned wrongly, by 40 levels and more.
    assert np.abs(small - small[0]).mean(axis=(1, 2, 3)).max() < 5
