"""How much of a score comes from a region that somebody drew."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from model_store.errors import MemorabilityError
from model_store.heatmaps.maps import PhotoMap


class RegionError(MemorabilityError):
    """A region that is empty or does not lie in the photo."""


@dataclass(frozen=True)
class Box:
    """Pixels of the upright photo: from `left` and `top` up to, without, `right` and `bottom`."""

    left: int
    top: int
    right: int
    bottom: int

    def to_mask(self, width: int, height: int) -> Bool[np.ndarray, "height width"]:
        """The box's pixels in a photo of that size.

        Raises:
            RegionError: it is empty or reaches out of the photo.
        """
        if not (0 <= self.left < self.right <= width and 0 <= self.top < self.bottom <= height):
            raise RegionError(
                f"the box {self.left}, {self.top}, {self.right}, {self.bottom} does not lie in a photo of "
                f"{width} × {height} pixels: give left < right and top < bottom, within it"
            )
        mask = np.zeros((height, width), bool)
        mask[self.top : self.bottom, self.left : self.right] = True
        return mask


@dataclass(frozen=True)
class RegionShares:
    """A region's part of a map.

    Attributes:
        area: share of the photo that it covers.
        raising: share of all that raises the score; 0 where nothing does.
        lowering: share of all that lowers it; 0 where nothing does.
        contribution: what it adds to the score, or takes away, in the score's unit.
        total: the same of the whole photo.
    """

    area: float
    raising: float
    lowering: float
    contribution: float
    total: float


def region_shares(photo_map: PhotoMap, mask: Bool[np.ndarray, "height width"]) -> RegionShares:
    """Shares of a region.

    Args:
        photo_map: of the photo.
        mask: the region in the upright photo, or in a smaller picture of it.

    Raises:
        RegionError: the region is empty.
    """
    if not mask.any():
        raise RegionError("the region is empty: draw at least one pixel of it")
    height, width = mask.shape
    # Density per area of the frame, a pixel's area in frames.
    values = np.nan_to_num(photo_map.frame.to_photo(photo_map.values, width, height)).astype(np.float64)
    values /= mask.size * photo_map.frame.area
    raising, lowering = np.maximum(values, 0), np.maximum(-values, 0)
    return RegionShares(
        area=float(mask.mean()),
        raising=_share(raising, mask),
        lowering=_share(lowering, mask),
        contribution=float(values[mask].sum()),
        total=float(values.sum()),
    )


def _share(values: Float[np.ndarray, "height width"], mask: Bool[np.ndarray, "height width"]) -> float:
    total = float(values.sum())
    return float(values[mask].sum()) / total if total else 0.0
