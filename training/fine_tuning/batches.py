"""Which photos an update sees, and how they are cut and mirrored: drawn anew for each step from the seed alone.

Nothing is carried from step to step, so that a run that goes on after a kill sees what it would have seen.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int, UInt8

from model_store.images import Preprocessing
from training.data.folds import Rows
from training.fine_tuning.squares import Squares

_ORDER, _LOOK = 0, 1  # streams of random numbers that share a seed

type Crops = UInt8[np.ndarray, "photos crop crop 3"]


@dataclass(frozen=True)
class Order:
    """The order in which photos are seen, in batches without end; in each epoch every photo comes once.

    Attributes:
        rows: of the photos that are drawn from.
        batch: photos in a batch.
        seed: of all that is drawn.
    """

    rows: Rows = field(repr=False)
    batch: int
    seed: tuple[int, ...]

    @property
    def steps_per_epoch(self) -> int:
        """Batches until every photo was seen; the last one may begin the next epoch."""
        return count_steps(len(self.rows), self.batch)

    def rows_at(self, step: int) -> Int[np.ndarray, " batch"]:
        """The photos of a step, counted from 0."""
        epochs, places = np.divmod(step * self.batch + np.arange(self.batch), len(self.rows))
        orders = {
            epoch: np.random.default_rng([*self.seed, _ORDER, epoch]).permutation(self.rows)
            for epoch in np.unique(epochs).tolist()
        }
        return np.array([orders[epoch][place] for epoch, place in zip(epochs.tolist(), places, strict=True)])


@dataclass(frozen=True)
class Batches:
    """Batches of photos with their scores.

    Attributes:
        squares: of all photos.
        scores: of all photos.
        crop: side of what the network sees, in pixels.
        order: which of them come when; its seed is that of their looks, too.
    """

    squares: Squares = field(repr=False)
    scores: Float[np.ndarray, " photos"] = field(repr=False)
    crop: int
    order: Order

    def at(self, step: int) -> tuple[Crops, Float[np.ndarray, " batch"]]:
        """The batch of a step, counted from 0: crops at random places, about half of them mirrored, and scores."""
        rows = self.order.rows_at(step)
        random = np.random.default_rng([*self.order.seed, _LOOK, step])
        return random_crops(self.squares, rows, self.crop, random), self.scores[rows].astype(np.float32)


def count_steps(n_photos: int, batch: int) -> int:
    """Batches in which every photo comes at least once."""
    return -(-n_photos // batch)


def random_crops(squares: Squares, rows: Rows, crop: int, random: np.random.Generator) -> Crops:
    """Cuts a crop out of each photo at a random place and mirrors about half of them, left to right."""
    places = random.integers(squares.shape[1] - crop + 1, size=(len(rows), 2))
    directions = np.where(random.integers(2, size=len(rows)), 1, -1)
    return np.stack(
        [
            squares[row, top : top + crop, left : left + crop][:, ::direction]
            for row, (top, left), direction in zip(rows, places, directions, strict=True)
        ]
    )


def centre_crops(squares: Squares, rows: Rows, preprocessing: Preprocessing) -> Crops:
    """Cuts out what the served network sees of each photo."""
    inside = slice(preprocessing.margin, preprocessing.margin + preprocessing.crop)
    crops: Crops = squares[rows][:, inside, inside]
    return crops
