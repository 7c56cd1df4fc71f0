"""Files that give no picture: the right code, and a message that names file, limit and remedy."""

import pickle
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from model_store.images import ImageError, ImageErrorCode, ImageLimits, check_size, decode
from tests.unit.images.files import (
    FORMATS,
    LONG,
    SHORT,
    encode,
    grey_tiff,
    icon,
    photo,
    run_length_bmp,
    start_of_png,
    tiff,
)


def refusal(data: bytes, limits: ImageLimits | None = None) -> ImageError:
    with pytest.raises(ImageError) as caught:
        decode(data, "notes.jpg", limits or ImageLimits())
    assert "notes.jpg" in str(caught.value)
    return caught.value


def test_an_empty_file() -> None:
    error = refusal(b"")

    assert error.code is ImageErrorCode.EMPTY_FILE
    assert str(error) == "notes.jpg is empty (0 bytes); upload it again"


def test_too_many_bytes_are_refused_before_they_are_read() -> None:
    with pytest.raises(ImageError, match=r"a\.png has 31\.2 MB and the limit is 25 MB; save it smaller") as caught:
        check_size(31_200_000, "a.png", ImageLimits())

    assert caught.value.code == "image_too_large"
    check_size(25_000_000, "a.png")
    assert refusal(bytes(11), ImageLimits(max_bytes=10)).code == "image_too_large"


def test_too_many_pixels() -> None:
    data = encode(Image.new("L", (200, 100)), "PNG")

    error = refusal(data, ImageLimits(max_pixels=19_999))

    assert error.code == "image_too_large"
    assert "has 0.0 megapixels (200 by 100) and the limit is 0.019999 megapixels; scale it down" in str(error)
    assert decode(data, "a.png", ImageLimits(max_pixels=20_000)).size == (200, 100)


def test_pixels_are_counted_before_they_are_decoded() -> None:
    large, huge = refusal(start_of_png(8_000, 8_000)), refusal(start_of_png(200_000, 20_000))

    assert (large.code, huge.code) == ("image_too_large", "image_too_large")
    assert "has 64.0 megapixels (8000 by 8000) and the limit is 50 megapixels; scale it down" in str(large)
    assert "has far more pixels than allowed and the limit is 50 megapixels" in str(huge)


@pytest.mark.parametrize("max_bytes", [0, -1])
def test_limits_that_refuse_everything_are_refused(max_bytes: int) -> None:
    with pytest.raises(ValueError, match="at least 1 byte"):
        ImageLimits(max_bytes=max_bytes)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7\n", "a PDF document"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "a PostScript drawing"),
        (b"8BPS\0\1", "a Photoshop document"),
        (b"icns\0\0\0\x08", "an Apple icon"),
        (b"MM\0\x2b\0\x08\0\0", "a BigTIFF image of big-endian byte order"),
        (b"SIMPLE  =                    T", "a FITS image"),
        (b"\xff\x0a\xfa\x1f", "a JPEG XL image"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "a video"),
        (b"RIFF\0\0\0\0AVI LIST", "a video"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", "a camera raw photo"),
        (b"II*\0\x10\0\0\0CR\2\0", "a camera raw photo"),
        (b"PK\3\4\x14\0", "a ZIP archive or office document"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- -->\n<SVG width="9">', "an SVG drawing"),
        (b"<!DOCTYPE html><title>404</title>", "a web page"),
    ],
)
def test_recognised_kinds_that_are_not_read(data: bytes, kind: str) -> None:
    error = refusal(data)

    assert error.code == "unsupported_format"
    assert f"is {kind}, which this service does not read; send a JPEG" in str(error)


@pytest.mark.parametrize("tags", [[(50706, SHORT, 1)], [(254, LONG, 1), (330, LONG, 8)]], ids=["DNG", "NEF"])
def test_the_preview_of_a_camera_raw_file_is_not_taken_for_the_photo(tags: list[tuple[int, int, int]]) -> None:
    size = [(256, SHORT, 1), (257, SHORT, 1), (258, SHORT, 8), (259, SHORT, 1), (262, SHORT, 1), (277, SHORT, 1)]

    assert "a camera raw photo" in str(refusal(tiff([*size, *tags], b"\0")))
    assert decode(tiff(size, b"\0"), "plain.tif").size == (1, 1)


@pytest.mark.parametrize(
    "data",
    [b"Dear all,\nplease find the minutes below.", bytes(100), b"\xff\xd8\xff", b"BM", b"P6 0 0 255\n", b"GIF89a"],
)
def test_what_is_no_image(data: bytes) -> None:
    error = refusal(data)

    assert error.code in {"unreadable_image", "truncated_image"}
    if error.code == "unreadable_image":
        assert "is not an image this service can read (" in str(error)


def test_a_damaged_image_is_unreadable_and_the_message_says_why() -> None:
    data = bytearray(encode(photo(), "PNG"))
    data[60:90] = bytes(30)

    error = refusal(bytes(data))

    assert error.code == "unreadable_image"
    assert "broken PNG file" in str(error) or "data stream" in str(error)
    assert "object at 0x" not in str(refusal(b"no image at all"))


@pytest.mark.parametrize("kept", [0.3, 0.9])
@pytest.mark.parametrize("image_format", sorted(set(FORMATS) - {"DIB"}))
def test_a_file_that_was_cut_off(image_format: str, kept: float) -> None:
    data = encode(photo(64, 64), image_format, **FORMATS[image_format])

    error = refusal(data[: int(len(data) * kept)])

    assert error.code == "truncated_image"
    assert str(error) == "notes.jpg ends before its picture is complete; upload the whole file again"


def test_a_gif_that_was_cut_off_in_its_palette() -> None:
    assert refusal(encode(photo(), "GIF")[:100]).code == "truncated_image"


def test_the_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(refusal(b"")))

    assert (error.code, str(error)) == ("empty_file", "notes.jpg is empty (0 bytes); upload it again")


def icon_with_a_huge_png() -> bytes:
    return icon(start_of_png(20_000, 20_000))


def icon_with_a_huge_bitmap() -> bytes:
    return icon(struct.pack("<IiiHHIIiiII", 40, 20_000, 20_000, 1, 32, 0, 0, 0, 0, 0, 0))


def tiff_with_a_huge_tile() -> bytes:
    tags = [(256, SHORT, 9), (257, SHORT, 9), (258, SHORT, 8), (259, SHORT, 8), (262, SHORT, 1), (277, SHORT, 1)]
    return tiff([*tags, (322, LONG, 32_000), (323, LONG, 32_000)], zlib.compress(bytes(1000)), data_tag=324)


def tiff_of_a_million_strips() -> bytes:
    data = bytearray(grey_tiff((9, 9), 8, bytes(81)))
    entry = data.index(struct.pack("<HHI", 273, LONG, 1))
    data[entry : entry + 8] = struct.pack("<HHI", 273, SHORT, 1_000_000)
    return bytes(data) + bytes(2_000_000)


def tiff_of_a_million_strips_cut_off() -> bytes:
    """One entry of the directory is missing, which does not keep Pillow from following the others."""
    data = bytearray(tiff_of_a_million_strips())
    data[8:10] = struct.pack("<H", 9_999)
    return bytes(data)


def slow_bitmap() -> bytes:
    return run_length_bmp(2001, 2000, b"\0\0" * 10)


def slow_pixmap() -> bytes:
    return b"P6 2001 2000 100\n"


@pytest.mark.parametrize(
    ("costly", "code", "says"),
    [
        (icon_with_a_huge_png, "image_too_large", "400.0 megapixels (20000 by 20000)"),
        (icon_with_a_huge_bitmap, "image_too_large", "200.0 megapixels (20000 by 10000)"),
        (tiff_with_a_huge_tile, "image_too_large", "tiles of 1,024.0 megapixels and the limit is 50 megapixels"),
        (tiff_of_a_million_strips, "unreadable_image", "1,000,000 TIFF strips and the limit is 200,000"),
        (tiff_of_a_million_strips_cut_off, "unreadable_image", "1,000,000 TIFF strips"),
        (slow_bitmap, "image_too_large", "4.0 megapixels in a slow BMP encoding and the limit is 4 megapixels"),
        (slow_pixmap, "image_too_large", "4.0 megapixels in a slow PPM encoding and the limit is 4 megapixels"),
    ],
)
def test_small_files_that_would_cost_minutes_or_gigabytes(costly: Callable[[], bytes], code: str, says: str) -> None:
    error = refusal(costly())

    assert error.code == code
    assert says in str(error)


def progressive_jpeg(n_scans: int) -> bytes:
    """A progressive JPEG whose last scan, which refines what the others gave, is there again and again."""
    data = encode(photo(), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * (n_scans - data.count(b"\xff\xda") + 1) + data[-2:]


def test_a_progressive_jpeg_may_have_a_hundred_scans() -> None:
    assert decode(progressive_jpeg(100), "photo.jpg").size == (48, 32)
    assert "more than 100 scans" in str(refusal(progressive_jpeg(101)))


def test_a_video_behind_a_progressive_jpeg_is_not_counted_as_scans() -> None:
    motion_photo = progressive_jpeg(99) + b"\0\0\0\x18ftypmp42" + b"\xff\xda\0\2" * 500

    assert decode(motion_photo, "motion.jpg").size == (48, 32)


@pytest.mark.shared_data
def test_hostile_files_of_a_known_kind_get_its_code(shared_data: Path) -> None:
    expected = {
        "PILLOW_LICENSE": "unreadable_image",
        "pillow_broken_data_stream.png": "unreadable_image",
        "pillow_five_channels.psd": "unsupported_format",
        "pillow_decompression_bomb.gif": "image_too_large",
        "pillow_decompression_bomb.ico": "image_too_large",
        "imagers_pal4rlecut.bmp": "truncated_image",
    }

    codes = {name: refusal((shared_data / "hostile" / name).read_bytes()).code for name in expected}

    assert codes == expected
