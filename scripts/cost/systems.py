"""What a month costs: this system, the one that it replaces, and two that are always on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from scripts.cost.measurements import Measurements, vcpus_of
from scripts.cost.prices import HOURS_A_MONTH, Prices
from scripts.cost.simulation import Assumptions, Outcome, Setting, Speed, simulate
from scripts.cost.workloads import DAY_SECONDS, DAYS_A_MONTH, WORKING_SECONDS_A_MONTH, Sample, sample_month

SEED = 20261122
REPLACED_SECONDS_A_PHOTO = 5.0
# Always-on systems must take the working hours' mean load with this much of their capacity, or bursts would queue up.
UTILISATION = 0.7
FARGATE_VCPUS, FARGATE_GB = 2, 4
SERVING_BATCH = 10
# What the platform asks of other services for one photo.
GETS_A_PHOTO, PUTS_A_PHOTO = 1, 1
RECORD_WRITE_UNITS = 2  # a record with an index entry
READ_UNITS_A_PHOTO = 4  # batch item, condition, and the reader's polling
# A message is received and deleted, in the calls' batches, and waiting pollers receive nothing: 5 pollers, every 20 s.
IDLE_POLLS_A_MONTH = 5 * HOURS_A_MONTH * 3600 / 20
ALARMS = 12


@dataclass(frozen=True)
class Bill:
    """A month, in US dollars by item.

    Attributes:
        items: by name.
        cold_share: share of calls that started a container.
        cold_starts: containers that were started.
        slowest_seconds: wait of the slowest photo in twenty.
    """

    items: Mapping[str, float]
    cold_share: float
    cold_starts: float
    slowest_seconds: float

    @property
    def total(self) -> float:
        """All items."""
        return sum(self.items.values())


@dataclass(frozen=True)
class Bills:
    """Puts measurements, prices and assumptions together; of a month, at most so many batches are simulated."""

    measured: Measurements
    prices: Prices
    assumptions: Assumptions = field(default_factory=Assumptions)
    most_batches: int = 1000

    def speed(self, setting: Setting) -> Speed:
        """A container's seconds under a setting."""
        vcpus, network = vcpus_of(setting.memory_mib), self.assumptions.network_seconds
        reading = self.measured.read_gb * 1000 / self.assumptions.volume_mb_per_second
        return Speed(
            cold=self.measured.cold_start(vcpus) + reading,
            start=self.assumptions.start_seconds,
            call=lambda photos: self.measured.call(photos, vcpus) + network,
        )

    def usage(self, calls: float, call_seconds: float, cold_starts: float, setting: Setting) -> dict[str, float]:
        """What Lambda and the volume cost; a container's start is billed like a call."""
        functions, efs = self.prices.functions, self.prices.efs
        seconds = call_seconds + cold_starts * self.speed(setting).cold
        gb_seconds = seconds * setting.memory_mib / 1024
        return {
            "Lambda": gb_seconds * functions.gb_second + calls / 1e6 * functions.million_requests,
            "volume, reads": cold_starts * self.measured.read_gb * efs.gb_read,
        }

    def ours(self, photos: int, setting: Setting) -> Bill:
        """A month of this system."""
        sample = sample_month(photos, self.most_batches, SEED)
        outcome = simulate(sample.uploads, setting, self.speed(setting), self.assumptions, seed=SEED)
        calls, cold_starts = outcome.calls / sample.share, _cold_starts_a_month(outcome, sample)
        items = self.usage(calls, outcome.call_seconds / sample.share, cold_starts, setting)
        waits = sorted(outcome.waits)
        return Bill(
            items=items | self._other_services(photos, calls),
            cold_share=cold_starts / calls,
            cold_starts=cold_starts,
            slowest_seconds=waits[int(0.95 * len(waits))],
        )

    def replaced(self, photos: int) -> float:
        """A month of one p2.xlarge, or as many as the photos need: as if there were one customer."""
        return self._machines(photos, REPLACED_SECONDS_A_PHOTO) * self.prices.replaced.instance_hour * HOURS_A_MONTH

    def sagemaker(self, photos: int) -> float:
        """A month of real-time endpoints that run `memorability serve`."""
        machines = self._machines(photos, self.measured.call(SERVING_BATCH, self.sagemaker_cores) / SERVING_BATCH)
        return machines * self.prices.sagemaker.instance_hour * HOURS_A_MONTH

    def fargate(self, photos: int) -> float:
        """A month of containers that run `memorability serve`."""
        machines = self._machines(photos, self.measured.call(SERVING_BATCH, FARGATE_VCPUS) / SERVING_BATCH)
        hour = FARGATE_VCPUS * self.prices.fargate.vcpu_hour + FARGATE_GB * self.prices.fargate.gb_hour
        return machines * hour * HOURS_A_MONTH

    @property
    def sagemaker_cores(self) -> int:
        """Processors of the endpoint's instance; each is a hyperthread, as Lambda's and Fargate's are."""
        return self.prices.sagemaker.vcpus

    def _machines(self, photos: int, seconds_a_photo: float) -> int:
        capacity = WORKING_SECONDS_A_MONTH * UTILISATION / seconds_a_photo
        return max(math.ceil(photos / capacity), 1)

    def _other_services(self, photos: int, calls: float) -> dict[str, float]:
        prices = self.prices
        s3 = photos / 1000 * (PUTS_A_PHOTO * prices.s3.thousand_puts + GETS_A_PHOTO * prices.s3.thousand_gets)
        requests = photos + 2 * calls + IDLE_POLLS_A_MONTH
        table = (
            photos
            / 1e6
            * (
                RECORD_WRITE_UNITS * prices.dynamodb.million_write_units
                + READ_UNITS_A_PHOTO * prices.dynamodb.million_read_units
            )
        )
        return {
            "volume, storage": self.measured.store_mb / 1000 * prices.efs.gb_month,
            "queue, photos, records": requests / 1e6 * prices.sqs.million_requests + s3 + table,
            "key and alarms": prices.fixed.key_month + ALARMS * prices.fixed.alarm_month,
        }


def _cold_starts_a_month(outcome: Outcome, sample: Sample) -> float:
    """Containers of all days. What is missing of a sample's day goes on as its second half did: mornings start more."""
    missing = 1 / sample.part - 1
    middle = DAY_SECONDS * sample.part / 2
    later = sum(at > middle for at in outcome.started_at) if missing else 0
    return (outcome.cold_starts + 2 * later * missing) * DAYS_A_MONTH / sample.days
