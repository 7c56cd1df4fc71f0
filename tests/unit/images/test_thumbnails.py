"""Thumbnails: their size, their shape, and that they show the photo."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from model_store.images.thumbnails import thumbnail


@pytest.mark.parametrize(
    ("size", "expected"),
    [((4000, 3000), (480, 360)), ((300, 1200), (120, 480)), ((200, 100), (200, 100)), ((9000, 3), (480, 1))],
)
def test_a_thumbnail_keeps_the_aspect_and_is_never_enlarged(size: tuple[int, int], expected: tuple[int, int]) -> None:
    with Image.open(BytesIO(thumbnail(Image.new("RGB", size, "teal")))) as small:
        assert (small.format, small.mode, small.size) == ("JPEG", "RGB", expected)


def test_a_thumbnail_shows_the_picture() -> None:
    image = Image.new("RGB", (1000, 500), "white")
    image.paste("black", (0, 0, 500, 500))
    with Image.open(BytesIO(thumbnail(image, longest_side=100))) as small:
        pixels = np.asarray(small)
    assert pixels[25, 25].max() < 8
    assert pixels[25, 75].min() > 247
