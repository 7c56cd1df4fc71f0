"""How faithful a map is: what becomes of the score where the places it names are taken out, or put back, first.

Deletion and insertion of Petsiuk et al. 2018, "RISE", https://arxiv.org/abs/1806.07421, section 4.4. All orders are of
the same square cells, and what is taken out is replaced by the blurred picture, so that a coarse map and a fine one
differ in their order alone. Beside the map stand two orders that know nothing of the model: a random one, as smooth as
maps are, and one from the centre outwards, because that is where photographers put what matters.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Array, Bool, Float

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
    curves = Curves.of(networks, photos, frame, settings.steps)
    random, centre = random_ranks(frame.crop, settings.seed), centre_ranks(frame.crop)
    orders = {
        "map": [to_ranks(values) for values in maps],
        "random": [random] * len(maps),
        "centre": [centre] * len(maps),
    }
    areas = {name: curves.areas(ranks) for name, ranks in orders.items()}
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
class Curves:
    """What becomes of a batch's scores as its places are taken out or put back, in any order; the networks' mean.

    Attributes:
        batches: the photos, as each network sees them.
        frame: what the orders cover, which may not be every network's.
        steps: equal parts in which all of the picture is taken out.
    """

    batches: Sequence["_Batch"]
    frame: Frame
    steps: int

    @classmethod
    def of(cls, networks: Sequence[Network], photos: Sequence[Pixels], frame: Frame, steps: int) -> Self:
        """Curves of photos that are cut in every way that the networks, at least one, want; takes two score passes."""
        return cls([_Batch.of(network, photos) for network in networks], frame, steps)

    def areas(self, orders: Sequence[Ranks]) -> list[Areas]:
        """Both areas of each photo, for an order of its own."""
        both = zip(self.deletion(orders).tolist(), self.insertion(orders).tolist(), strict=True)
        return [Areas(deletion=out, insertion=back) for out, back in both]

    def deletion(self, orders: Sequence[Ranks]) -> Float[np.ndarray, " batch"]:
        """The mean score while places are taken out; `steps` - 1 score passes a photo."""
        return self._area(orders, lambda ranks, share: ranks >= share)

    def insertion(self, orders: Sequence[Ranks]) -> Float[np.ndarray, " batch"]:
        """The mean score while they are put back into the blurred photo; as many."""
        return self._area(orders, lambda ranks, share: ranks < share)

    def _area(self, orders: Sequence[Ranks], shown: Callable[[Ranks, float], np.ndarray]) -> np.ndarray:
        shares = np.arange(self.steps + 1) / self.steps
        curves = []
        for batch in self.batches:
            ranks = np.stack([self.frame.to_frame(order, batch.network.frame) for order in orders])
            curves.append([batch.scores(shown(ranks, share)) for share in shares])
        area: np.ndarray = np.trapezoid(np.mean(curves, axis=0), dx=1 / self.steps, axis=0).astype(float)
        return area


@dataclass(frozen=True)
class _Batch:
    """Photos as one network sees them, beside their blurred copies and the scores of both."""

    network: Network
    photos: Array
    blurred: Array
    whole: Float[np.ndarray, " batch"]
    nothing: Float[np.ndarray, " batch"]

    @classmethod
    def of(cls, network: Network, photos: Sequence[Pixels]) -> "_Batch":
        pictures, blurred = photos_and_baselines(np.stack([photo[network.preprocessing] for photo in photos]))
        whole, nothing = (np.asarray(run(score, network, batch)) for batch in (pictures, blurred))
        return cls(network, pictures, blurred, whole, nothing)

    def scores(self, shown: Bool[np.ndarray, "batch size size"]) -> Float[np.ndarray, " batch"]:
        """Scores of the photos where they are shown, of their blurred copies elsewhere; ends are computed once."""
        if shown.all():
            return self.whole
        if not shown.any():
            return self.nothing
        return np.asarray(run(score_mixed, self.network, self.photos, self.blurred, shown.astype(np.float32)))
