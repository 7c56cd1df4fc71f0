"""Keeps the messages that the worker has in hand from being given to others, for as long as it has them."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Self, final

from gpu_worker.ports import JobQueue, Message

logger = logging.getLogger(__name__)

# Heartbeats in the time for which a message is hidden: two may fail before others are given it.
BEATS_PER_VISIBILITY = 3
# Whoever has not settled a message by then hangs, and another worker shall have it.
MAX_HOLD_SECONDS = 3600.0


@dataclass(frozen=True)
class _Held:
    message: Message
    since: float


@final
class Holding:
    """Messages in hand; within the context, a thread hides them again and again. Safe to use from several threads."""

    def __init__(self, queue: JobQueue, clock: Callable[[], float] = time.monotonic) -> None:
        self._queue = queue
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._lock = Lock()
        self._over = Event()
        self._thread = Thread(target=self._beat_on, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        """Starts the heartbeat."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the heartbeat."""
        self._over.set()
        self._thread.join()

    def __len__(self) -> int:
        """How many messages are in hand."""
        return len(self._held)

    def add(self, messages: Iterable[Message]) -> None:
        """Takes messages that were just given out."""
        with self._lock:
            self._held |= {message.receipt: _Held(message, self._clock()) for message in messages}

    def let_go(self, message: Message) -> None:
        """Leaves a message alone from now on: it is settled, or the queue's again."""
        with self._lock:
            self._held.pop(message.receipt, None)

    def give_back_all(self) -> int:
        """Gives every message back to the queue, where others can have it at once; returns how many there were."""
        with self._lock:
            messages = [held.message for held in self._held.values()]
            self._held.clear()
        if messages:
            self._queue.hide(messages, 0)
        return len(messages)

    def beat(self) -> None:
        """Hides every message anew, but none that has been held for too long."""
        with self._lock:
            limit = self._clock() - MAX_HOLD_SECONDS
            for receipt in [receipt for receipt, held in self._held.items() if held.since < limit]:
                logger.error("message %s is held no longer", self._held.pop(receipt).message.message_id)
            messages = [held.message for held in self._held.values()]
        for message in messages:
            # Each takes a request: one that was given back during the earlier ones is not to be hidden from others.
            if message.receipt in self._held:
                self._queue.hide([message], self._queue.visibility_seconds)

    def _beat_on(self) -> None:
        while not self._over.wait(self._queue.visibility_seconds / BEATS_PER_VISIBILITY):
            try:
                self.beat()
            except Exception:  # the next one may succeed, and if none does, others do the jobs
                logger.exception("messages could not be hidden for longer")
