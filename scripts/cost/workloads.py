"""When photos come: batches of a campaign's candidates, in working hours."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

BATCH_PHOTOS = 20
# A browser with 20 photos of 3 MB on a line of 50 Mbit/s.
BATCH_UPLOAD_SECONDS = 10.0
DAYS_A_MONTH = 22
DAY_SECONDS = 10 * 3600
NIGHT_SECONDS = 14 * 3600
WORKING_SECONDS_A_MONTH = DAYS_A_MONTH * DAY_SECONDS


@dataclass(frozen=True)
class Sample:
    """A part of a month.

    Attributes:
        uploads: when uploads end, in order.
        days: how many days it has.
        part: which part of each of them, from its morning; less than 1 only for a single day.
    """

    uploads: Sequence[float]
    days: int
    part: float

    @property
    def share(self) -> float:
        """Which part of the month it is."""
        return self.days * self.part / DAYS_A_MONTH


def one_batch(photos: int = BATCH_PHOTOS, seconds: float = BATCH_UPLOAD_SECONDS) -> list[float]:
    """When the uploads of one batch end."""
    return [seconds * (number + 1) / photos for number in range(photos)]


def sample_month(photos: int, most_batches: int, seed: int) -> Sample:
    """Uploads of a month whose batches come independently of each other, or of so much of it as `most_batches` are."""
    generator = random.Random(seed)
    batches_a_day = photos / BATCH_PHOTOS / DAYS_A_MONTH
    days = min(max(int(most_batches / batches_a_day), 1), DAYS_A_MONTH)
    part = min(most_batches / batches_a_day, 1.0)
    begins = [
        generator.randrange(days) * (DAY_SECONDS + NIGHT_SECONDS) + generator.uniform(0, DAY_SECONDS * part)
        for _ in range(round(batches_a_day * days * part))
    ]
    return Sample(sorted(begin + upload for begin in begins for upload in one_batch()), days, part)
