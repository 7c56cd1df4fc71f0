"""The square that the model sees."""

import hashlib

import numpy as np
import pytest
from PIL import Image

from model_store.images import Preprocessing


def pattern(width: int, height: int) -> Image.Image:
    """A picture with detail at every scale, the same on every machine."""
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([x * y % 251, (x + 3 * y) % 256, (x ^ y) % 256], axis=-1).astype(np.uint8))


@pytest.mark.parametrize(
    ("size", "preprocessing", "digest"),
    [
        ((640, 427), Preprocessing(), "4122ab6438a9a785"),
        ((640, 427), Preprocessing(resize=224, crop=224), "3be45492c295c99a"),
        ((100, 300), Preprocessing(), "0b48a120343eaa10"),
        ((100, 300), Preprocessing(resize=224, crop=224), "17d17de46ae16e17"),
        ((256, 256), Preprocessing(), "897dfad5de0844d9"),
        ((256, 256), Preprocessing(resize=224, crop=224), "bd3505fc8cd64927"),
    ],
)
def test_pixels_are_those_of_torchvision(size: tuple[int, int], preprocessing: Preprocessing, digest: str) -> None:
    """The digests are of `Compose([Resize((resize, resize)), CenterCrop(crop)])` in torchvision 0.28.0."""
    square = preprocessing.apply(pattern(*size))

    assert square.shape == (preprocessing.crop, preprocessing.crop, 3)
    assert square.dtype == np.uint8
    assert hashlib.sha256(square.tobytes()).hexdigest().startswith(digest)


def test_an_odd_margin_is_rounded_to_even() -> None:
    """14.5 pixels on each side become 14 at the top left, and 15.5 become 16."""
    picture = pattern(256, 256)

    assert np.array_equal(Preprocessing(256, 227).apply(picture), np.asarray(picture)[14:241, 14:241])
    assert np.array_equal(Preprocessing(256, 225).apply(picture), np.asarray(picture)[16:241, 16:241])


def test_one_row_of_pixels_is_enough() -> None:
    assert (Preprocessing().apply(Image.new("RGB", (50_000, 1), (1, 2, 3))) == (1, 2, 3)).all()


def test_only_rgb_is_accepted() -> None:
    with pytest.raises(ValueError, match="RGB image, as decode.* got mode RGBA"):
        Preprocessing().apply(Image.new("RGBA", (8, 8)))


@pytest.mark.parametrize("crop", [0, 257])
def test_the_centre_must_fit_into_the_picture(crop: int) -> None:
    with pytest.raises(ValueError, match="crop must be between 1 and resize"):
        Preprocessing(resize=256, crop=crop)
