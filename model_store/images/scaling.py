"""JPEG photos decoded at a fraction of their size, where a model looks at far fewer pixels than a camera takes.

A JPEG file keeps blocks of 8 × 8 frequencies, from which libjpeg makes 4 × 4, 2 × 2 or one pixel as well as 64.
"""

from dataclasses import dataclass

from PIL import Image, ImageFile

type Region = tuple[float, float, float, float]  # left, top, right, bottom; in pixels, of which parts may be taken

_SWAPS_SIDES = frozenset(
    {
        Image.Transpose.TRANSPOSE,
        Image.Transpose.ROTATE_90,
        Image.Transpose.ROTATE_270,
        Image.Transpose.TRANSVERSE,
    }
)
# What mirrors the columns, and the rows, before the sides are swapped.
_MIRRORS_COLUMNS = frozenset(
    {
        Image.Transpose.FLIP_LEFT_RIGHT,
        Image.Transpose.ROTATE_180,
        Image.Transpose.ROTATE_90,
        Image.Transpose.TRANSVERSE,
    }
)
_MIRRORS_ROWS = frozenset(
    {
        Image.Transpose.FLIP_TOP_BOTTOM,
        Image.Transpose.ROTATE_180,
        Image.Transpose.ROTATE_270,
        Image.Transpose.TRANSVERSE,
    }
)


@dataclass(frozen=True)
class Picture:
    """An RGB picture, perhaps of fewer pixels than the photo that it shows.

    Attributes:
        image: its pixels.
        width: the photo's, in its own pixels.
        height: likewise.
        region: what the photo covers of `image`: half of 3001 columns lies on 1501, half of the last one empty.
    """

    image: Image.Image
    width: int
    height: int
    region: Region

    @classmethod
    def whole(cls, image: Image.Image) -> "Picture":
        """A photo at its full size."""
        return cls(image, *image.size, (0.0, 0.0, float(image.width), float(image.height)))

    def turned(self, turn: Image.Transpose | None) -> "Picture":
        """The picture mirrored or turned by multiples of 90°; itself for None."""
        if turn is None:
            return self
        width, height = (self.height, self.width) if turn in _SWAPS_SIDES else (self.width, self.height)
        return Picture(self.image.transpose(turn), width, height, turn_region(self.region, self.image.size, turn))


def scale_down(image: ImageFile.ImageFile, shorter_side: int) -> Region | None:
    """Has a JPEG image decoded at an eighth, a quarter or half of its size. Call before `image.load()`.

    Args:
        image: opened, of any format; of formats other than JPEG nothing is changed.
        shorter_side: how many pixels of it must be left at least; of a smaller image nothing is changed.

    Returns:
        What the photo will cover of the image; None where nothing is changed.
    """
    if min(image.size) < 2 * shorter_side:
        return None
    drafted = image.draft(None, (shorter_side, shorter_side))
    if drafted is None:
        return None
    width, height = drafted[1][2:]
    return 0.0, 0.0, width, height


def turn_region(region: Region, size: tuple[int, int], turn: Image.Transpose) -> Region:
    """Where a region of an image of this width and height lies after `image.transpose(turn)`."""
    left, top, right, bottom = region
    width, height = size
    if turn in _MIRRORS_COLUMNS:
        left, right = width - right, width - left
    if turn in _MIRRORS_ROWS:
        top, bottom = height - bottom, height - top
    return (top, left, bottom, right) if turn in _SWAPS_SIDES else (left, top, right, bottom)
