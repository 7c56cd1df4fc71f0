"""When and why the worker stops: asked to by a signal, or because its machine is going to be taken away."""

import logging
from collections.abc import Callable
from threading import Event, Thread
from typing import Self, final

from gpu_worker.ports import Machine

logger = logging.getLogger(__name__)

# AWS: "check for these interruption notices every 5 seconds" (EC2 user guide, "Spot Instance interruption notices").
POLL_SECONDS = 5.0
# From the notice to the end of a spot instance it is 120 s, and systemd kills the worker 110 s after it asked. What is
# on the device after this time is left to others.
PATIENCE_SECONDS = 75.0


@final
class Draining:
    """Whether the worker is to take no more jobs; within the context, a thread asks the machine.

    Attributes:
        reason: why, None as long as the worker goes on.
    """

    def __init__(
        self,
        machine: Machine,
        on_overdue: Callable[[], None],
        *,
        poll_seconds: float = POLL_SECONDS,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Begins nothing yet.

        Args:
            machine: may have notice.
            on_overdue: called, in the thread, when the worker has not stopped in time.
            poll_seconds: time between two looks for a notice.
            patience_seconds: time from the beginning of draining until it is overdue.
        """
        self.reason: str | None = None
        self._machine = machine
        self._on_overdue = on_overdue
        self._poll_seconds = poll_seconds
        self._patience_seconds = patience_seconds
        self._begun = Event()
        self._over = Event()
        self._thread = Thread(target=self._watch, name="notices", daemon=True)

    def __enter__(self) -> Self:
        """Begins to look for notices."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Draining, or the worker as a whole, is over."""
        self._over.set()
        self._begun.set()
        self._thread.join()

    @property
    def is_begun(self) -> bool:
        """Whether the worker is to stop."""
        return self._begun.is_set()

    def wait(self, seconds: float) -> None:
        """Waits so long, but no longer than until the worker is to stop."""
        self._begun.wait(seconds)

    def begin(self, reason: str) -> None:
        """Asks the worker to stop; the first reason stays. May be called by the handler of a signal."""
        if self.reason is None:
            self.reason = reason
        self._begun.set()

    def _watch(self) -> None:
        while not self._begun.is_set():
            if notice := self._machine.notice():
                self.begin(notice)
            self._begun.wait(self._poll_seconds)
        if not self._over.wait(self._patience_seconds):
            self._on_overdue()
