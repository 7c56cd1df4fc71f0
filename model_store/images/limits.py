"""How large an image may be."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ImageLimits:
    """Limits on one image.

    Attributes:
        max_bytes: size of the file.
        max_pixels: width times height of the picture. Pillow refuses images above twice
            `PIL.Image.MAX_IMAGE_PIXELS` (179 megapixels unless changed) whatever is set here.
    """

    max_bytes: int = 25_000_000
    max_pixels: int = 50_000_000

    def __post_init__(self) -> None:
        """Refuse limits that would refuse every image."""
        if self.max_bytes < 1 or self.max_pixels < 1:
            raise ValueError(f"image limits must be at least 1 byte and 1 pixel, got {self}")


DEFAULT_LIMITS = ImageLimits()
