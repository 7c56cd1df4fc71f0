"""Pixels of known value, in every mode and depth that files come in."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from model_store.images import decode
from model_store.images.colour import to_rgb
from tests.unit.images.files import (
    BLACK,
    BLUE,
    FORMATS,
    GREEN,
    RED,
    WHITE,
    encode,
    grey_tiff,
    photo,
    png,
    png_chunk,
    two_pixels,
)

type Pixel = tuple[int, int, int]

RGB, GREY = 2, 0  # PNG colour types


def pixels(image: Image.Image) -> list[Pixel]:
    assert image.mode == "RGB"
    return [tuple(pixel) for pixel in np.asarray(image).reshape(-1, 3).tolist()]


@pytest.mark.parametrize("image_format", FORMATS)
def test_every_format_gives_its_picture(image_format: str) -> None:
    original = photo(32, 32)
    decoded = decode(encode(original, image_format, **FORMATS[image_format]), "photo")

    assert decoded.size == original.size
    difference = np.abs(np.asarray(decoded, np.int16) - np.asarray(original, np.int16))
    # GIF has 256 colours, and JPEG, AVIF and HEIF pass through YCbCr; the others are exact.
    assert difference.mean() <= {"GIF": 6, "JPEG": 4, "AVIF": 4, "HEIF": 1}.get(image_format, 0)


def test_an_upright_rgb_jpeg_keeps_the_pixels_of_pillow() -> None:
    data = encode(photo(640, 427), "JPEG", quality=80, icc_profile=b"a profile that must not be applied")

    assert pixels(decode(data, "photo.jpg")) == pixels(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (two_pixels("1", 0, 1), [BLACK, WHITE]),
        (two_pixels("L", 7, 200), [(7, 7, 7), (200, 200, 200)]),
        (two_pixels("LA", (0, 0), (0, 255)), [WHITE, BLACK]),
        (two_pixels("La", (0, 0), (100, 255)), [WHITE, (100, 100, 100)]),
        (two_pixels("RGBA", (*RED, 255), (*RED, 0)), [RED, WHITE]),
        (two_pixels("RGBA", (*BLACK, 51), (*BLUE, 204)), [(204, 204, 204), (51, 51, 255)]),
        (two_pixels("RGBa", (0, 0, 0, 0), (51, 0, 0, 51)), [WHITE, (255, 204, 204)]),
        (two_pixels("RGBX", (*RED, 0), (*GREEN, 9)), [RED, GREEN]),
        (two_pixels("CMYK", (0, 0, 0, 0), (255, 0, 255, 0)), [WHITE, GREEN]),
        (two_pixels("CMYK", (0, 0, 0, 255), (0, 255, 255, 0)), [BLACK, RED]),
        (two_pixels("YCbCr", (255, 128, 128), (0, 128, 128)), [WHITE, BLACK]),
        (two_pixels("HSV", (0, 255, 255), (0, 0, 255)), [RED, WHITE]),
        (two_pixels("LAB", (255, 128, 128), (0, 128, 128)), [(254, 255, 254), (1, 0, 1)]),  # as lcms rounds
    ],
)
def test_modes(image: Image.Image, expected: list[Pixel]) -> None:
    assert pixels(to_rgb(image)) == expected


def test_palette_with_alpha() -> None:
    image = two_pixels("P", 0, 1)
    image.putpalette([*RED, 255, *BLUE, 0], "RGBA")

    assert pixels(to_rgb(image)) == [RED, WHITE]
    assert pixels(to_rgb(image.convert("PA"))) == [RED, WHITE]


def test_an_rgb_image_is_not_copied() -> None:
    image = photo()

    assert to_rgb(image) is image


@pytest.mark.parametrize(
    ("mode", "values", "expected"),
    [
        ("I", [0, 255], [0, 255]),  # 8-bit levels in a wide type
        ("I", [257, 65535], [1, 255]),  # 16-bit levels
        ("I", [-100, 100], [0, 255]),  # a measurement: its own range
        ("I", [70_000, 70_000], [0, 0]),
        ("F", [0.0, 1.0], [0, 255]),
        ("F", [0.5, 0.25], [128, 64]),
        ("F", [0.0, 200.4], [0, 200]),
        ("F", [514.0, 65535.0], [2, 255]),
        ("F", [-1.0, 3.0], [0, 255]),
        ("F", [float("nan"), 1.0], [0, 255]),
        ("F", [float("inf"), float("-inf")], [0, 0]),
        ("F", [-3.4e38, 3.4e38], [0, 255]),
    ],
)
def test_deep_greyscale_finds_its_white_level(mode: str, values: list[float], expected: list[int]) -> None:
    assert pixels(to_rgb(two_pixels(mode, *values))) == [(level,) * 3 for level in expected]


@pytest.mark.parametrize("byte_order", "<>")
def test_sixteen_bits_are_scaled_and_not_clipped(byte_order: str) -> None:
    levels = np.array([[0, 256, 257, 32768, 65279, 65535]], dtype=f"{byte_order}u2")
    data = encode(Image.fromarray(levels), "TIFF")

    assert [r for r, _, _ in pixels(decode(data, "scan.tif"))] == [0, 1, 1, 128, 254, 255]
    assert pixels(decode(encode(Image.fromarray(levels), "PNG"), "scan.png")) == pixels(decode(data, "scan.tif"))


def test_sixteen_bit_pgm_is_scaled_even_when_dark() -> None:
    assert pixels(decode(b"P5 2 1 65535\n" + struct.pack(">HH", 0, 257), "dark.pgm")) == [BLACK, (1, 1, 1)]


def test_twelve_bit_tiff_has_4095_for_white() -> None:
    two_samples = bytes([0xFF, 0xF0, 0x00])

    assert pixels(decode(grey_tiff((2, 1), 12, two_samples), "scan.tif")) == [WHITE, BLACK]


def test_sixteen_bit_tiff_may_count_from_white() -> None:
    data = grey_tiff((2, 1), 16, struct.pack("<HH", 0, 65535), photometric=0)

    assert pixels(decode(data, "scan.tif")) == [WHITE, BLACK]


@pytest.mark.parametrize(
    ("depth", "colour_type", "row", "transparent", "expected"),
    [
        (1, GREY, bytes([0b01000000]), struct.pack(">H", 0), [WHITE, WHITE]),
        (1, GREY, bytes([0b01000000]), struct.pack(">H", 1), [BLACK, WHITE]),
        (2, GREY, bytes([0b01100000]), struct.pack(">H", 2), [(85, 85, 85), WHITE]),
        (4, GREY, bytes([0x3C]), struct.pack(">H", 12), [(51, 51, 51), WHITE]),
        (8, GREY, bytes([9, 10]), struct.pack(">H", 10), [(9, 9, 9), WHITE]),
        (16, GREY, struct.pack(">HH", 513, 514), struct.pack(">H", 513), [WHITE, (2, 2, 2)]),
        (8, RGB, bytes([*RED, *GREEN]), struct.pack(">HHH", *RED), [WHITE, GREEN]),
        (16, RGB, struct.pack(">6H", 65535, 0, 0, 0, 0, 0), struct.pack(">HHH", 65535, 0, 0), [WHITE, BLACK]),
    ],
)
def test_the_transparent_colour_of_a_png(
    depth: int, colour_type: int, row: bytes, transparent: bytes, expected: list[Pixel]
) -> None:
    data = png((2, 1), depth, colour_type, row, png_chunk(b"tRNS", transparent))

    assert pixels(decode(data, "logo.png")) == expected


def test_adobe_cmyk_jpeg_is_inverted_back() -> None:
    data = encode(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=100)

    assert b"Adobe" in data
    assert np.abs(np.array(decode(data, "print.jpg").getpixel((8, 8))) - RED).max() <= 2


@pytest.mark.parametrize("image_format", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_of_an_animation_the_first_frame_counts(image_format: str) -> None:
    first, second = Image.new("RGB", (16, 16), RED), Image.new("RGB", (16, 16), BLUE)
    data = encode(first, image_format, save_all=True, append_images=[second], duration=100)

    assert np.abs(np.array(decode(data, "loop").getpixel((8, 8))) - RED).max() <= 2


def test_a_gif_is_white_where_its_first_frame_leaves_the_canvas_bare() -> None:
    data = bytearray(encode(Image.new("RGB", (2, 2), RED), "GIF"))
    data[6:10] = struct.pack("<HH", 3, 2)  # the size of the canvas

    assert pixels(decode(bytes(data), "small.gif")) == [RED, RED, WHITE] * 2


@pytest.mark.parametrize(("image_format", "expected"), [("TGA", RED), ("PNG", WHITE)])
def test_alpha_of_zero_throughout_is_unused_in_tga_and_invisible_in_png(image_format: str, expected: Pixel) -> None:
    data = encode(Image.new("RGBA", (2, 2), (*RED, 0)), image_format)

    assert pixels(decode(data, "image")) == [expected] * 4
