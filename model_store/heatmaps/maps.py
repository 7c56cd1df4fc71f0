"""The map of one photo: of one network, or of several whose mean it is."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from jaxtyping import Float

from model_store.heatmaps.frames import Frame

# Values above which a map has its full colour, in shares of a batch's values: a few specks must not dim all others.
SCALE_QUANTILE = 0.98
# A map whose strongest places add less than this is flat, and stays pale however little there is beside it: ten times
# as much over the whole picture would move the score by 0.1.
MIN_SCALE = 0.01

type Values = Float[np.ndarray, "size size"]


@dataclass(frozen=True)
class PhotoMap:
    """What the places of a photo add to its score.

    Attributes:
        values: signed densities: contributions to the score per area, where the whole frame's area is 1.
        disagreement: standard deviation of the networks' values; zeros for one network.
        score: the networks' mean score.
        frame: where in the photo the values lie.
    """

    values: Values
    disagreement: Values
    score: float
    frame: Frame

    @property
    def relative_disagreement(self) -> float:
        """The mean disagreement as a share of the map's mean magnitude; 0 where the map is 0."""
        magnitude = float(np.abs(self.values).mean())
        return float(self.disagreement.mean()) / magnitude if magnitude else 0.0

    def to_npz(self, figures: Mapping[str, Any]) -> bytes:
        """The map as a file: float32 `map` and `disagreement`, `frame` (resize and crop), `score`, figures as JSON."""
        file = BytesIO()
        np.savez_compressed(
            file,
            map=self.values.astype(np.float32),
            disagreement=self.disagreement.astype(np.float32),
            frame=np.array([self.frame.resize, self.frame.crop]),
            score=np.float32(self.score),
            figures=np.array(json.dumps(figures)),
        )
        return file.getvalue()

    @classmethod
    def from_npz(cls, data: bytes) -> tuple["PhotoMap", dict[str, Any]]:
        """Reads what `to_npz` gave: the map and its figures."""
        with np.load(BytesIO(data)) as file:
            resize, crop = file["frame"].tolist()
            read = cls(file["map"], file["disagreement"], float(file["score"]), Frame(resize, crop))
            return read, json.loads(str(file["figures"]))


def average(maps: Sequence[Values], scores: Sequence[float], frames: Sequence[Frame]) -> PhotoMap:
    """The mean of several networks' maps of a photo, in the first one's frame.

    Args:
        maps: one a network, at least one.
        scores: of all networks, which may be more than have a map.
        frames: one a map; a map from a larger frame is put into the first one's with its densities per area of that.
    """
    first = frames[0]
    values = np.stack(
        [
            frame.to_frame(values, first) * np.float32(first.area / frame.area)
            for values, frame in zip(maps, frames, strict=True)
        ]
    )
    return PhotoMap(values.mean(axis=0), values.std(axis=0), float(np.mean(scores)), first)


def shared_scale(maps: Sequence[PhotoMap]) -> float:
    """The map value that gets the full colour in every picture of a batch, so that they can be compared."""
    strongest = np.quantile(np.abs(np.stack([photo.values for photo in maps])), SCALE_QUANTILE)
    return max(float(strongest), MIN_SCALE)
