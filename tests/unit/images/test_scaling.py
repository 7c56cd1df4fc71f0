"""Large JPEG photos decoded at a fraction of their size: less work, the same photo."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model_store.images import ImageError, ImageErrorCode, ImageLimits, Preprocessing, decode, decode_scaled
from model_store.images.scaling import turn_region
from tests.unit.images.files import encode, photo
from tests.unit.images.test_orientation import ORIENTATION, STORED_AS

CUT = Preprocessing(resize=32, crop=29)
# Columns and rows that eight does not divide, so that the last ones of a scaled picture are mostly empty.
ODD = (1449, 1281)


def textured(width: int, height: int) -> Image.Image:
    """A picture with detail down to its pixels on a smooth one, as photos have it."""
    smooth = np.asarray(photo(width, height), np.int16)
    noise = np.random.default_rng(1).normal(0, 12, (height, width, 1))
    return Image.fromarray((smooth + noise).clip(0, 255).astype(np.uint8))


def orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = value
    return exif


def difference(data: bytes, cut: Preprocessing = CUT) -> float:
    """Mean difference, of 255 levels, between what a model sees of the scaled and of the whole picture."""
    picture = decode_scaled(data, "photo.jpg", cut.shorter_side)
    scaled, whole = cut.apply(picture.image, picture.region), cut.apply(decode(data, "photo.jpg"))
    return float(np.abs(scaled.astype(int) - whole).mean())


@pytest.mark.parametrize(
    ("size", "shorter_side", "expected"),
    [
        ((4000, 3000), 1280, (2000, 1500)),
        ((3000, 4000), 1500, (1500, 2000)),
        ((4000, 3000), 750, (1000, 750)),
        ((1600, 1201), 150, (200, 151)),
        ((1600, 1201), 601, (1600, 1201)),
    ],
)
def test_a_photo_keeps_the_pixels_that_are_wanted(
    size: tuple[int, int], shorter_side: int, expected: tuple[int, int]
) -> None:
    picture = decode_scaled(encode(Image.new("RGB", size, "teal"), "JPEG"), "photo.jpg", shorter_side)

    assert picture.image.size == expected
    assert (picture.width, picture.height) == size


@pytest.mark.parametrize("value", STORED_AS)
def test_a_turned_photo_has_its_upright_size_and_region(value: int) -> None:
    data = encode(textured(*ODD), "JPEG", exif=orientation(value))
    picture = decode_scaled(data, "photo.jpg", 160)
    upright = decode(data, "photo.jpg")

    left, top, right, bottom = picture.region
    assert (picture.width, picture.height) == upright.size
    assert (right - left, bottom - top) == (upright.width / 8, upright.height / 8)
    assert difference(data) < 0.3
    whole_image = CUT.apply(picture.image).astype(int)
    assert np.abs(whole_image - CUT.apply(upright)).mean() > 3 * difference(data)


@pytest.mark.parametrize("turn", Image.Transpose)
def test_regions_turn_as_images_do(turn: Image.Transpose) -> None:
    image = Image.new("L", (13, 7))
    image.paste(255, (2, 1, 5, 6))

    assert turn_region((2.0, 1.0, 5.0, 6.0), image.size, turn) == image.transpose(turn).getbbox()


@pytest.mark.parametrize(
    "options",
    [
        {"subsampling": 0, "quality": 95},
        {"subsampling": 2, "quality": 75},
        {"progressive": True},
        {"icc_profile": b"a profile that must not be applied"},
    ],
    ids=str,
)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_every_kind_of_jpeg_looks_as_at_full_size(mode: str, options: dict[str, object]) -> None:
    assert difference(encode(textured(1600, 1280).convert(mode), "JPEG", **options)) < 0.5


def test_of_a_camera_with_two_pictures_the_first_is_taken() -> None:
    first = textured(1600, 1280)
    data = encode(first, "MPO", save_all=True, append_images=[Image.new("RGB", first.size)])

    assert decode_scaled(data, "photo.mpo", 160).image.size == (200, 160)
    assert difference(data) < 0.5


@pytest.mark.parametrize(
    ("size", "image_format"), [((640, 319), "JPEG"), ((640, 480), "PNG"), ((640, 480), "WEBP"), ((640, 480), "TIFF")]
)
def test_small_photos_and_other_formats_keep_every_bit(size: tuple[int, int], image_format: str) -> None:
    data = encode(textured(*size), image_format)
    picture = decode_scaled(data, "photo", CUT.shorter_side)

    assert np.array_equal(np.asarray(picture.image), np.asarray(decode(data, "photo")))
    assert picture.region == (0, 0, *size)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_shortened_photo_fails_as_at_full_size(progressive: bool) -> None:
    data = encode(textured(1600, 1280), "JPEG", progressive=progressive)

    outcomes = []
    for kept in (*(round(len(data) * share) for share in (0.001, 0.01, 0.2, 0.5, 0.9, 0.999)), len(data) - 2):
        for shorter_side in (None, 160):
            try:
                decode_scaled(data[:kept], "photo.jpg", shorter_side)
                outcomes.append("picture")
            except ImageError as error:
                outcomes.append(f"{error.code}: {error}")
    assert outcomes[::2] == outcomes[1::2]
    assert any(outcome.startswith(ImageErrorCode.TRUNCATED_IMAGE) for outcome in outcomes)


def test_the_limit_is_on_the_photo() -> None:
    data = encode(Image.new("RGB", (2000, 1500)), "JPEG")

    with pytest.raises(ImageError, match=r"has 3.0 megapixels \(2000 by 1500\) and the limit is 2 megapixels"):
        decode_scaled(data, "photo.jpg", 100, ImageLimits(max_pixels=2_000_000))


@pytest.mark.shared_data
def test_photographs_of_twelve_megapixels(shared_data: Path) -> None:
    cut = Preprocessing()
    differences = []
    for file in sorted((shared_data / "kodak").iterdir()):
        with Image.open(file) as image:
            scale = 3000 / min(image.size)
            large = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
        differences.append(difference(encode(large, "JPEG", quality=90), cut))
    # Which of its two directions is resized first makes a difference of 0.07.
    assert max(differences) < 0.2
