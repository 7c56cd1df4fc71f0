"""An upright RGB picture → the square of pixels that a model looks at."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image


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

    def apply(self, image: Image.Image) -> UInt8[np.ndarray, "crop crop 3"]:
        """Resize and crop one RGB image.

        Raises:
            ValueError: the image is not RGB.
        """
        if image.mode != "RGB":
            raise ValueError(f"expected an RGB image, as decode() returns, got mode {image.mode}")
        margin = round((self.resize - self.crop) / 2)  # rounds halves to even, as torchvision does
        square = image.resize((self.resize, self.resize), Image.Resampling.BILINEAR)
        return np.asarray(square.crop((margin, margin, margin + self.crop, margin + self.crop)))
