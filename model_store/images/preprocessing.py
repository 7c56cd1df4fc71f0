"""An upright RGB picture → the square of pixels that a model looks at."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from model_store.images.scaling import Region

# A photo decoded at a fraction of its size keeps this many pixels for each that a model sees, along its shorter side.
# docs/decisions/2026-11-22-scaled-jpeg-decoding.md has what fewer do to scores.
_PIXELS_FOR_ONE = 5


@dataclass(frozen=True)
class Preprocessing:
    """Resize to a square, whatever the aspect, then cut out the centre, as the published packages do.

    Equal bit for bit to torchvision's `Resize((resize, resize))` and `CenterCrop(crop)` on Pillow images.
    Scaling to 0..1 is the network's first step. The defaults are ResMem's (Needell and Bainbridge 2022).

    Attributes:
        resize: side of the resized picture, in pixels.
        crop: side of the centre that is kept, in pixels.
    """

    resize: int = 256
    crop: int = 227

    def __post_init__(self) -> None:
        """Refuse a centre that is larger than the picture."""
        if not 1 <= self.crop <= self.resize:
            raise ValueError(f"crop must be between 1 and resize ({self.resize} pixels), got {self.crop}")

    @property
    def margin(self) -> int:
        """Pixels above and left of the centre; halves are rounded to even, as torchvision does."""
        return round((self.resize - self.crop) / 2)

    @property
    def shorter_side(self) -> int:
        """How many pixels a photo's shorter side needs for scores like those of the whole photo."""
        return _PIXELS_FOR_ONE * self.resize

    def apply(self, image: Image.Image, region: Region | None = None) -> UInt8[np.ndarray, "crop crop 3"]:
        """Resize and crop one RGB image.

        Args:
            image: what `decode` returns, or the image of a `Picture`.
            region: the part of it that the photo covers; None is all of it.

        Raises:
            ValueError: the image is not RGB.
        """
        if image.mode != "RGB":
            raise ValueError(f"expected an RGB image, as decode() returns, got mode {image.mode}")
        start, end = self.margin, self.margin + self.crop
        square = image.resize((self.resize, self.resize), Image.Resampling.BILINEAR, box=region)
        return np.asarray(square.crop((start, start, end, end)))
