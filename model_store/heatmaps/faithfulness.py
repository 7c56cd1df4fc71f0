"""How faithful a map is: what becomes of the score where the places it names are taken out, or put back, first.

Deletion and insertion of Petsiuk et al. 2018, "RISE", https://arxiv.org/abs/1806.07421, section 4.4. All orders are of
the same square cells, and what is taken out is replaced by the blurred picture, so that a coarse map and a fine one
differ in their order alone. Beside the map stand two orders that know nothing of the model: a random one, as smooth as
maps are, and one from the centre outwards, because that is where photographers put what matters.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Array, Float

from model_store.heatmaps.explaining import photos_and_baselines
from model_store.heatmaps.frames import Frame
from model_store.heatmaps.networks import Network
from model_store.heatmaps.occlusion import smooth_field
from model_store.heatmaps.programs import run, score, score_mixed
from model_store.heatmaps.records import Areas, Faithfulness
from model_store.runtime.ensembles import Pixels

CELLS = 16
RANDOM_FIELD_CELLS = 7

type Ranks = Float[np.ndarray, "size size"]
"""Share of the cells that come before a pixel's own, in 0..1."""


@dataclass(frozen=True)
class CurveSettings:
    """How curves are measured: score passes per photo are 6 · (`steps` - 1) + 2.

    Attributes:
        steps: equal parts in which all of the picture is taken out.
        seed: of the random order.
    """

    steps: int = 8
    seed: int = 0


DEFAULT_CURVES = CurveSettings()


def measure_faithfulness(
    networks: Sequence[Network],
    photos: Sequence[Pixels],
    maps: Sequence[Float[np.ndarray, "size size"]],
    frame: Frame,
    settings: CurveSettings = DEFAULT_CURVES,
) -> list[Faithfulness]:
    """Areas of each photo's map, and of the orders it is compared with; the score is the networks' mean.

    Args:
        networks: members of what is explained, at least one.
        photos: cut in every way that the networks want.
        maps: one each.
        frame: what the maps cover, which may not be every network's.
        settings: of the curves.
    """
    batches = [_Batch.of(network, photos) for network in networks]
    random, centre = random_ranks(frame.crop, settings.seed), centre_ranks(frame.crop)
    orders = {
        "map": [to_ranks(values) for values in maps],
        "random": [random] * len(maps),
        "centre": [centre] * len(maps),
    }
    areas = {name: _areas(batches, frame, ranks, settings.steps) for name, ranks in orders.items()}
    return [Faithfulness(**dict(zip(areas, photo, strict=True))) for photo in zip(*areas.values(), strict=True)]


def to_ranks(values: Float[np.ndarray, "size size"]) -> Ranks:
    """The order in which cells come, highest mean value first."""
    size = len(values)
    bounds = np.linspace(0, size, CELLS + 1).round().astype(int)
    sums = np.add.reduceat(np.add.reduceat(values, bounds[:-1], axis=0), bounds[:-1], axis=1)
    sides = np.diff(bounds)
    means = sums / np.outer(sides, sides)
    ranks = np.empty(means.size, np.float32)
    ranks[np.argsort(-means, axis=None, kind="stable")] = np.arange(means.size, dtype=np.float32) / means.size
    return np.repeat(np.repeat(ranks.reshape(means.shape), sides, axis=0), sides, axis=1)


def random_ranks(size: int, seed: int) -> Ranks:
    """An order as smooth as a coarse map's, of nothing in particular."""
    return to_ranks(smooth_field(np.random.default_rng(seed), size, RANDOM_FIELD_CELLS))


def centre_ranks(size: int) -> Ranks:
    """From the centre outwards."""
    offsets = (np.arange(size) - (size - 1) / 2) ** 2
    return to_ranks(-(offsets[:, None] + offsets).astype(np.float32))


@dataclass(frozen=True)
class _Batch:
    """Photos as one network sees them, beside their blurred copies and the scores of both."""

    network: Network
    photos: Array
    blurred: Array
    ends: tuple[Float[np.ndarray, " batch"], Float[np.ndarray, " batch"]]

    @classmethod
    def of(cls, network: Network, photos: Sequence[Pixels]) -> "_Batch":
        pictures, blurred = photos_and_baselines(np.stack([photo[network.preprocessing] for photo in photos]))
        whole, nothing = (np.asarray(run(score, network, batch)) for batch in (pictures, blurred))
        return cls(network, pictures, blurred, (whole, nothing))

    def scores(self, shown: Float[np.ndarray, "batch size size"]) -> Float[np.ndarray, " batch"]:
        return np.asarray(run(score_mixed, self.network, self.photos, self.blurred, shown))


def _areas(batches: Sequence[_Batch], frame: Frame, ranks: Sequence[Ranks], steps: int) -> list[Areas]:
    curves = [_curves(batch, [frame.to_frame(rank, batch.network.frame) for rank in ranks], steps) for batch in batches]
    deletion, insertion = np.trapezoid(np.mean(curves, axis=0), dx=1 / steps, axis=1).astype(float)
    return [
        Areas(deletion=out, insertion=back) for out, back in zip(deletion.tolist(), insertion.tolist(), strict=True)
    ]


def _curves(batch: _Batch, ranks: Sequence[Ranks], steps: int) -> Float[np.ndarray, "2 points batch"]:
    order = np.stack(ranks)
    kept: Sequence[Callable[[float], np.ndarray]] = (lambda share: order >= share, lambda share: order < share)
    return np.stack(
        [
            [first, *(batch.scores(shown(step / steps).astype(np.float32)) for step in range(1, steps)), last]
            for shown, (first, last) in zip(kept, (batch.ends, batch.ends[::-1]), strict=True)
        ]
    )
