"""Costs of all systems over volume, and where they cross."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from scripts.cost.simulation import Setting
from scripts.cost.systems import Bills

OURS, REPLACED, SAGEMAKER, FARGATE = "this system", "replaced system", "SageMaker endpoint", "Fargate container"
VOLUMES = tuple(round(10 ** (exponent / 4)) for exponent in range(8, 31))  # 100 to 30 million


@dataclass(frozen=True)
class Comparison:
    """US dollars a month by system, for rising volumes; the first system is this one."""

    volumes: Sequence[int]
    costs: Mapping[str, Sequence[float]]

    @classmethod
    def over(cls, bills: Bills, setting: Setting, volumes: Sequence[int] = VOLUMES) -> "Comparison":
        """All systems at all volumes."""
        systems: Mapping[str, Callable[[int], float]] = {
            OURS: lambda photos: bills.ours(photos, setting).total,
            REPLACED: bills.replaced,
            SAGEMAKER: bills.sagemaker,
            FARGATE: bills.fargate,
        }
        return cls(volumes, {name: [cost(volume) for volume in volumes] for name, cost in systems.items()})

    def break_even(self) -> dict[str, float]:
        """The volume from which on another system is cheaper than this one, by its name; those that never are, miss.

        Between two volumes, costs are taken to follow a power of the volume.
        """
        crossings = {name: self._crossing(values) for name, values in self.costs.items() if name != OURS}
        return {name: volume for name, volume in crossings.items() if volume is not None}

    def _crossing(self, others: Sequence[float]) -> float | None:
        gaps = [math.log(ours / theirs) for ours, theirs in zip(self.costs[OURS], others, strict=True)]
        for (low, gap), (high, next_gap) in pairwise(zip(map(math.log, self.volumes), gaps, strict=True)):
            if gap < 0 <= next_gap:
                return math.exp(low + (high - low) * -gap / (next_gap - gap))
        return None
