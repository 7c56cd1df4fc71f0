"""From the square of pixels that a model sees back to the upright photo, and from one model's square to another's.

A photo is resized to a square whatever its aspect, and the model sees the centre of that square. What lies outside the
centre was not seen: a map has no value there.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Float

from model_store.images import Preprocessing

type Map = Float[np.ndarray, "height width"]


@dataclass(frozen=True)
class Frame:
    """Where a model's input lies in the photo.

    Attributes:
        resize: side of the square that the whole photo becomes, in pixels.
        crop: side of the square in its centre that the model sees, in pixels.
    """

    resize: int
    crop: int

    @classmethod
    def of(cls, preprocessing: Preprocessing) -> Self:
        """The frame of the pictures that a preprocessing makes."""
        return cls(preprocessing.resize, preprocessing.crop)

    @property
    def margin(self) -> int:
        """Pixels of the square to the left of the crop and above it, as `Preprocessing` rounds them."""
        return round((self.resize - self.crop) / 2)

    @property
    def area(self) -> float:
        """Share of the photo that the model sees."""
        return (self.crop / self.resize) ** 2

    def to_photo(self, values: Map, width: int, height: int) -> Map:
        """A map of this frame over the whole photo, NaN where the model saw nothing.

        Args:
            values: in this frame, `crop` × `crop`.
            width: of the picture to make, in pixels; the photo's own, or less for a smaller picture of it.
            height: likewise.
        """
        columns = self._positions((np.arange(width) + 0.5) / width)
        rows = self._positions((np.arange(height) + 0.5) / height)
        warped = _interpolate(_interpolate(values, rows).T, columns).T
        warped[~self._seen(rows)] = np.nan
        warped[:, ~self._seen(columns)] = np.nan
        return np.ascontiguousarray(warped)

    def presence(self, width: int, height: int, feather: float) -> Map:
        """How much of a map to show over the whole photo: 1 inside, 0 where the model saw nothing, smooth between.

        Args:
            width: of the picture to make, in pixels.
            height: likewise.
            feather: share of what the model sees, at each side of it, over which a map fades out.
        """
        columns, rows = (self._fading((np.arange(side) + 0.5) / side, feather) for side in (width, height))
        return np.outer(rows, columns)

    def to_frame(self, values: Map, other: Self) -> Map:
        """A map of this frame in another, 0 where this one saw nothing."""
        if other == self:
            return values
        places = self._positions((np.arange(other.crop) + 0.5 + other.margin) / other.resize)
        warped = _interpolate(_interpolate(values, places).T, places).T
        warped[~self._seen(places)] = 0
        warped[:, ~self._seen(places)] = 0
        return np.ascontiguousarray(warped)

    def _positions(self, fractions: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Indices into a map, of fractions of the photo's width or height."""
        return fractions * self.resize - self.margin - 0.5

    def _fading(self, fractions: Float[np.ndarray, " n"], feather: float) -> Float[np.ndarray, " n"]:
        places = self._positions(fractions) + 0.5
        depths = np.minimum(places, self.crop - places) / (feather * self.crop)
        within = np.clip(depths, 0, 1)
        eased: np.ndarray = within**2 * (3 - 2 * within)
        return eased

    def _seen(self, positions: Float[np.ndarray, " n"]) -> np.ndarray:
        return (positions >= -0.5) & (positions <= self.crop - 0.5)


def _interpolate(values: Map, positions: Float[np.ndarray, " n"]) -> Map:
    """Rows at fractional indices; beyond the first and the last, those."""
    clipped = np.clip(positions, 0, len(values) - 1)
    below = np.minimum(clipped.astype(int), len(values) - 2)
    share = (clipped - below).astype(np.float32)[:, None]
    interpolated: np.ndarray = values[below] * (1 - share) + values[below + 1] * share
    return interpolated
