"""What was measured, and what follows from it for a container with more or fewer processors."""

from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict

MEASUREMENTS_FILE = Path(__file__).parents[2] / "docs/measurements.json"
MIB_PER_VCPU = 1769  # AWS Lambda developer guide, "Configure Lambda function memory"


class PlatformRun(BaseModel):
    """A batch through the whole platform on an emulator, whose containers share the machine's cores."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    photos: int
    warm: bool
    cores: int
    containers: int
    batch_size: int
    seconds: tuple[float, float]


class Measurements(BaseModel):
    """Figures of one machine.

    Attributes:
        measured_on: when.
        model: what was loaded.
        machine: on what, and how.
        cold_seconds: from a container's start to the record of its first photo, by cores; files in the page cache.
        call_seconds: decoding and scoring in one call of a warm container, by cores and photos.
        model_mb: files of the model that a cold container reads.
        bundle_touched_mb: what it touches of the dependencies on the volume.
        store_mb: what lies on the volume.
        memory_mb: its peak.
        platform_runs: batches through the whole platform.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    measured_on: date
    model: str
    machine: str
    cold_seconds: Mapping[int, float]
    call_seconds: Mapping[int, Mapping[int, float]]
    model_mb: float
    bundle_touched_mb: float
    store_mb: float
    memory_mb: float
    platform_runs: tuple[PlatformRun, ...]

    @classmethod
    def read(cls, file: Path = MEASUREMENTS_FILE) -> "Measurements":
        """Reads a file that `tests/benchmarks/bill.py` wrote."""
        return cls.model_validate_json(file.read_bytes())

    @property
    def read_gb(self) -> float:
        """What a cold container reads from the volume."""
        return (self.model_mb + self.bundle_touched_mb) / 1000

    def call(self, photos: int, vcpus: float) -> float:
        """Seconds of a warm container for so many photos, on so many processors."""
        return _amdahl(self._for(photos, 1), self._for(photos, 2), vcpus)

    def cold_start(self, vcpus: float) -> float:
        """Seconds that a cold container needs before it can start on its first photo."""
        first = _amdahl(self.cold_seconds[1], self.cold_seconds[2], vcpus)
        return max(first - self.call(1, vcpus), 0.0)

    def _for(self, photos: int, cores: int) -> float:
        """Seconds for any number of photos: a straight line between those that were measured, and on beyond."""
        measured = sorted(self.call_seconds[cores].items())
        pairs = list(pairwise(measured))
        (low, low_seconds), (high, high_seconds) = next((pair for pair in pairs if photos <= pair[1][0]), pairs[-1])
        return low_seconds + (high_seconds - low_seconds) * (photos - low) / (high - low)


def vcpus_of(memory_mib: int) -> float:
    """Processors of a Lambda function: Lambda gives them in proportion to memory."""
    return memory_mib / MIB_PER_VCPU


def _amdahl(one: float, two: float, vcpus: float) -> float:
    """Seconds on any number of processors from those on one and on two (Amdahl 1967).

    Beyond two it is an extrapolation; below one, a share of one processor takes as much longer.
    """
    if vcpus < 1:
        return one / vcpus
    parallel = min(max(2 * (1 - two / one), 0.0), 1.0)
    return one * (1 - parallel + parallel / vcpus)
