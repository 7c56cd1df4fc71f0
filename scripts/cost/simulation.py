"""How Lambda scales when photos come: which containers start cold, how long calls wait, and what is billed.

The rules, from AWS's documentation:
- A container ("execution environment") handles one call at a time; a call that finds none idle starts a new one
  (Lambda developer guide, "Understanding Lambda function scaling").
- S3 calls the function once a photo. From a queue, pollers take up to `batch_size` messages each and call the function
  with them; there are five at first, and up to 300 more a minute while messages wait (developer guide, "Configuring
  scaling behavior for SQS event source mappings"). `max_concurrency` caps them. With a batch window, a poller collects
  for that long, or until it has a full batch.

Not documented, and so assumptions of `Assumptions`: how long an idle container is kept, what AWS needs to start one,
and how fast it reads from the volume.
"""

import heapq
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count
from typing import final

FIRST_POLLERS = 5
POLLERS_PER_SECOND = 300 / 60
DIRECT_CONCURRENCY = 1000  # an account's default quota


@dataclass(frozen=True)
class Assumptions:
    """What AWS does not document.

    Attributes:
        keep_alive_seconds: how long an idle container is kept.
        start_seconds: what AWS needs to start a container, before any code of the function runs; not billed.
        delivery_seconds: from an upload's end to the call or the message; each is spread by half of it.
        network_seconds: a call's fetching of photos and writing of records, which it does for all of them at once.
        volume_mb_per_second: what a container reads from the volume while it starts.
    """

    keep_alive_seconds: float = 600
    start_seconds: float = 0.4
    delivery_seconds: float = 0.3
    network_seconds: float = 0.08
    volume_mb_per_second: float = 150


@dataclass(frozen=True)
class Setting:
    """What can be chosen: Terraform's `score_trigger` and `score`.

    Attributes:
        trigger: `queue` or `direct`.
        batch_size: photos in one call, at most.
        max_concurrency: calls at once, at most.
        memory_mib: of the function, and so its processors.
        window_seconds: how long a poller collects.
    """

    trigger: str = "queue"
    batch_size: int = 5
    max_concurrency: int = 5
    memory_mib: int = 3008
    window_seconds: float = 0


@dataclass(frozen=True)
class Speed:
    """Seconds of one container.

    Attributes:
        cold: from its start, the platform's share apart, until it can begin with its first call; billed.
        start: the platform's share; not billed.
        call: of a call, by the number of its photos; billed.
    """

    cold: float
    start: float
    call: Callable[[int], float]


@dataclass
class Outcome:
    """What a simulation gave.

    Attributes:
        waits: seconds from each photo's upload to its record.
        last: when the last record was there.
        calls: calls of the function.
        call_seconds: what all calls took, without what containers needed to start.
        started_at: when containers were started.
    """

    waits: list[float] = field(default_factory=list)
    last: float = 0.0
    calls: int = 0
    call_seconds: float = 0.0
    started_at: list[float] = field(default_factory=list)

    @property
    def cold_starts(self) -> int:
        """Containers that were started."""
        return len(self.started_at)


class _Event(IntEnum):
    ARRIVAL, WINDOW_ENDS, CALL_ENDS, MORE_POLLERS = range(4)


@final
class _Containers:
    """Idle containers by the time they were last used; the one used last is used next."""

    def __init__(self, keep_alive_seconds: float, warm: int) -> None:
        self._keep_alive_seconds = keep_alive_seconds
        self._idle = [0.0] * warm

    def take(self, now: float) -> bool:
        """Takes a warm container; False if a new one has to start."""
        return bool(self._idle) and now - self._idle.pop() <= self._keep_alive_seconds

    def give_back(self, now: float) -> None:
        """Keeps a container for the next call."""
        self._idle.append(now)


@final
class _Run:
    """One simulation in progress."""

    def __init__(self, setting: Setting, speed: Speed, assumptions: Assumptions, warm: int) -> None:
        self.outcome = Outcome()
        self._setting = setting
        self._speed = speed
        self._containers = _Containers(assumptions.keep_alive_seconds, warm)
        self._events: list[tuple[float, int, _Event, tuple[float, ...]]] = []
        self._numbers = count()
        self._messages: deque[tuple[float, float]] = deque()  # when each came, and when its upload ended
        self._busy = 0
        queued = setting.trigger == "queue"
        self._limit = min(setting.max_concurrency, FIRST_POLLERS) if queued else DIRECT_CONCURRENCY
        self._scaling = False

    def put(self, at: float, event: _Event, uploads: tuple[float, ...] = ()) -> None:
        """Plans an event; `uploads` are when the uploads of the photos that it is about ended."""
        heapq.heappush(self._events, (at, next(self._numbers), event, uploads))

    def run(self) -> Outcome:
        """Lets everything happen that is planned, and what follows from it."""
        while self._events:
            now, _, event, uploads = heapq.heappop(self._events)
            if event is _Event.ARRIVAL:
                self._messages.append((now, uploads[0]))
                if self._setting.window_seconds:
                    self.put(now + self._setting.window_seconds, _Event.WINDOW_ENDS)
            elif event is _Event.CALL_ENDS:
                self._finish(now, uploads)
            elif event is _Event.MORE_POLLERS:
                self._add_poller()
            self._call_as_many_as_possible(now)
        return self.outcome

    def _finish(self, now: float, uploads: tuple[float, ...]) -> None:
        self.outcome.waits += [now - upload for upload in uploads]
        self.outcome.last = now
        self._containers.give_back(now)
        self._busy -= 1

    def _add_poller(self) -> None:
        self._scaling = False
        if self._messages:
            self._limit += 1

    def _call_as_many_as_possible(self, now: float) -> None:
        while self._busy < self._limit and self._ready(now):
            photos = self._setting.batch_size if self._setting.trigger == "queue" else 1
            taken = [self._messages.popleft()[1] for _ in range(min(photos, len(self._messages)))]
            self._call(now, tuple(taken))
        below_cap = self._limit < self._setting.max_concurrency and self._setting.trigger == "queue"
        if self._messages and below_cap and not self._scaling:
            self._scaling = True
            self.put(now + 1 / POLLERS_PER_SECOND, _Event.MORE_POLLERS)

    def _ready(self, now: float) -> bool:
        """Whether a poller has a batch: a full one, or one whose first message has waited for the window."""
        if not self._messages:
            return False
        full = len(self._messages) >= self._setting.batch_size
        return full or now - self._messages[0][0] >= self._setting.window_seconds - 1e-9

    def _call(self, now: float, uploads: tuple[float, ...]) -> None:
        seconds, starting = self._speed.call(len(uploads)), 0.0
        if not self._containers.take(now):
            self.outcome.started_at.append(now)
            starting = self._speed.start + self._speed.cold
        self._busy += 1
        self.outcome.calls += 1
        self.outcome.call_seconds += seconds
        self.put(now + starting + seconds, _Event.CALL_ENDS, uploads)


def simulate(
    uploads: Sequence[float],
    setting: Setting,
    speed: Speed,
    assumptions: Assumptions,
    *,
    seed: int,
    warm: int = 0,
) -> Outcome:
    """What becomes of photos.

    Args:
        uploads: when each photo's upload ended, in seconds from 0.
        setting: what was chosen.
        speed: of a container under this setting.
        assumptions: what is not documented.
        seed: of the spread of deliveries.
        warm: containers that are idle at 0.
    """
    generator = random.Random(seed)
    run = _Run(setting, speed, assumptions, warm)
    for upload in uploads:
        delivery = assumptions.delivery_seconds * generator.uniform(0.5, 1.5)
        run.put(upload + delivery, _Event.ARRIVAL, (upload,))
    return run.run()
