"""Whatever the bytes are: one picture or one `ImageError`, soon, and nothing printed."""

import struct
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_store.images import ImageError, decode
from tests.unit.images.files import FORMATS, encode, grey_tiff, photo

MAX_SECONDS = 10
# What the decoder makes of a file beside another decoder's rendering of it as PNG. Those differ in how they widen
# 5 bits to 8 (BMP), and in rounding where they blend (WebP).
SAME_PICTURE = {
    "imagers_acid2.png": 0,
    "imagers_any-disposal.gif": 0,
    "imagers_anim.webp": 1,
    "imagers_basn6a16.png": 0,
    "imagers_border_touching_layers.gif": 0,
    "imagers_interlaced.gif": 0,
    "imagers_issue_1455_undersized.gif": 0,
    "imagers_mixed-disposal.gif": 0,
    "imagers_pal4rle.bmp": 0,
    "imagers_pal8badindex.bmp": 0,
    "imagers_rgb16-565.bmp": 1,
    "imagers_rgba16.png": 0,
    "imagers_tbbn0g04.png": 0,
    "imagers_tbbn3p08.png": 0,
    "imagers_tbgn3p08.png": 0,
    "imagers_tbrn2c08.png": 0,
    "imagers_tp0n0g08.png": 0,
}


@cache
def small_file(image_format: str) -> bytes:
    return encode(photo(24, 16), image_format, **FORMATS[image_format])


def picture_or_error(data: bytes, filename: str) -> str:
    """The outcome, as a word; fails on any other exception."""
    try:
        picture = decode(data, filename)
    except ImageError as error:
        return error.code
    assert picture.mode == "RGB"
    picture.getpixel((0, 0))
    return "picture"


@settings(max_examples=1500, deadline=None)
@given(
    image_format=st.sampled_from(sorted(FORMATS)),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    kept=st.floats(0.1, 1),
)
def test_altered_and_shortened_files(image_format: str, flips: list[tuple[float, int]], kept: float) -> None:
    data = bytearray(small_file(image_format))
    for place, value in flips:
        data[int(place * len(data))] = value

    picture_or_error(bytes(data[: max(1, int(kept * len(data)))]), f"altered.{image_format}")


@settings(max_examples=500, deadline=None)
@given(data=st.binary(min_size=1, max_size=200))
def test_arbitrary_bytes(data: bytes) -> None:
    picture_or_error(data, "arbitrary.bin")


@pytest.mark.parametrize("position", [2**31, 2**63 - 1, 2**63, 2**64 - 1])
def test_positions_far_beyond_the_file(position: int) -> None:
    big_tiff = struct.pack("<2sHHHQ", b"II", 43, 8, 0, position)
    fields = struct.pack("<QHHQQHHQQQ", 2, 273, 16, 9, position, 279, 16, 9, position, 0)
    field_beyond = struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16) + fields

    assert picture_or_error(big_tiff, "a.tif") == "truncated_image"
    assert picture_or_error(field_beyond, "a.tif") == "truncated_image"


def test_many_threads_decode_as_one_does() -> None:
    files = [small_file(image_format) for image_format in sorted(FORMATS)] * 8

    with ThreadPoolExecutor(8) as pool:
        pictures = list(pool.map(lambda data: np.asarray(decode(data, "photo")), files))

    alone = [np.asarray(decode(data, "photo")) for data in files[: len(FORMATS)]]
    assert all(np.array_equal(a, b) for a, b in zip(pictures, alone * 8, strict=True))


def test_nothing_is_printed_about_a_damaged_file() -> None:
    fax = bytearray(encode(photo(64, 64).convert("1"), "TIFF", compression="group4"))
    fax[20:60] = b"\xaa" * 40  # libtiff complains on the C level
    many_samples = bytearray(grey_tiff((1, 1), 8, b"\0"))
    many_samples[many_samples.index(b"\x15\x01\x03\0") + 8] = 99  # Pillow logs an error
    program = """
import sys
from model_store.images import ImageError, decode
for data in sys.argv[1:]:
    try:
        print(decode(bytes.fromhex(data), "strange.tif").mode)
    except ImageError as error:
        print(error.code)
"""

    run = subprocess.run(
        [sys.executable, "-c", program, fax.hex(), many_samples.hex()], capture_output=True, text=True, check=True
    )

    assert (len(run.stdout.split()), run.stderr) == (2, "")


def test_decoder_warnings_neither_fail_an_image_nor_silence_other_code() -> None:
    icon = bytearray(encode(photo(16, 16), "ICO"))
    icon[6] = 15  # Pillow warns that the image is not of the size in the directory

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert decode(bytes(icon), "favicon.ico").size == (16, 16)
        warnings.warn("of another module", UserWarning, stacklevel=1)

    assert [str(warning.message) for warning in caught] == ["of another module"]


def test_jax_is_not_imported_and_heif_libraries_only_for_heif() -> None:
    program = """
import sys
import model_store.images
print(sorted({"jax", "pillow_heif", "PIL.EpsImagePlugin"} & set(sys.modules)))
"""
    imported = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert imported.stdout.strip() == "[]"


@pytest.mark.shared_data
def test_every_hostile_file_gives_a_picture_or_an_error(shared_data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    outcomes, slow = [], {}
    for path in sorted((shared_data / "hostile").iterdir()):
        data = path.read_bytes()
        start = time.perf_counter()
        outcomes.append(picture_or_error(data, path.name))
        if (seconds := time.perf_counter() - start) > MAX_SECONDS:
            slow[path.name] = seconds

    assert not slow
    assert outcomes.count("picture") >= 220
    assert capfd.readouterr() == ("", "")


@pytest.mark.shared_data
@pytest.mark.parametrize(("name", "tolerance"), SAME_PICTURE.items())
def test_pictures_are_those_of_another_decoder(shared_data: Path, name: str, tolerance: int) -> None:
    original, rendered = (
        np.asarray(decode((shared_data / "hostile" / file).read_bytes(), file), np.int16)
        for file in (name, f"{name}.png")
    )

    assert original.shape == rendered.shape
    assert np.abs(original - rendered).max() <= tolerance
