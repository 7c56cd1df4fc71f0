"""Which settings serve a batch of 20 photos best, in time and in cost."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from scripts.cost.simulation import Outcome, Setting, simulate
from scripts.cost.systems import SEED, Bills
from scripts.cost.workloads import BATCH_UPLOAD_SECONDS, one_batch

MEMORY_MIB = (1769, 3008, 5307, 7076, 10240)
BATCH_SIZES = (1, 2, 5, 10)
MAX_CONCURRENCY = (2, 4, 5, 10, 20)
WINDOWS_SECONDS = (0, 1)
# Terraform's defaults: what the simulation speaks for, within the 3,008 MiB that new accounts have.
PRESENT = Setting()
TWICE_AS_MANY = replace(PRESENT, max_concurrency=2 * PRESENT.max_concurrency)
SLOW_SECONDS, FAST_SECONDS = BATCH_UPLOAD_SECONDS, 1.0


@dataclass(frozen=True)
class Line:
    """What a setting gives a batch of 20 that comes at some speed.

    Attributes:
        cold_seconds: from the last upload's end to the last record, with no container at first.
        warm_seconds: the same right afterwards.
        cold_starts: containers that were started.
        cold_usd: cost of the first batch.
        warm_usd: cost of the second.
    """

    cold_seconds: float
    warm_seconds: float
    cold_starts: int
    cold_usd: float
    warm_usd: float


@dataclass(frozen=True)
class Tried:
    """A setting, and what it gives on a slow line and on a fast one."""

    setting: Setting
    slow: Line
    fast: Line

    @property
    def cold_usd(self) -> float:
        """Mean cost of a cold batch."""
        return (self.slow.cold_usd + self.fast.cold_usd) / 2

    @property
    def warm_usd(self) -> float:
        """Mean cost of a warm batch."""
        return (self.slow.warm_usd + self.fast.warm_usd) / 2


def settings() -> Iterator[Setting]:
    """All combinations that Terraform accepts."""
    for memory in MEMORY_MIB:
        yield Setting(trigger="direct", batch_size=1, memory_mib=memory)
        for size, concurrency, window in product(BATCH_SIZES, MAX_CONCURRENCY, WINDOWS_SECONDS):
            yield Setting("queue", size, concurrency, memory, window)


def try_setting(bills: Bills, setting: Setting) -> Tried:
    """One batch cold and one warm, on either line."""
    return Tried(setting, _try(bills, setting, SLOW_SECONDS), _try(bills, setting, FAST_SECONDS))


def _try(bills: Bills, setting: Setting, upload_seconds: float) -> Line:
    speed, uploads = bills.speed(setting), one_batch(seconds=upload_seconds)
    cold = simulate(uploads, setting, speed, bills.assumptions, seed=SEED)
    warm = simulate(uploads, setting, speed, bills.assumptions, seed=SEED, warm=cold.cold_starts)
    return Line(
        cold.last - uploads[-1],
        warm.last - uploads[-1],
        cold.cold_starts,
        _cost(bills, cold, setting),
        _cost(bills, warm, setting),
    )


def _cost(bills: Bills, outcome: Outcome, setting: Setting) -> float:
    return sum(bills.usage(outcome.calls, outcome.call_seconds, outcome.cold_starts, setting).values())


def best(tried: list[Tried]) -> list[Tried]:
    """Those that no other beats in both a cold batch's cost and its time on the fast line, cheapest first."""
    chosen: list[Tried] = []
    for candidate in sorted(tried, key=lambda one: (one.cold_usd, one.fast.cold_seconds)):
        if not chosen or candidate.fast.cold_seconds < chosen[-1].fast.cold_seconds:
            chosen.append(candidate)
    return chosen
