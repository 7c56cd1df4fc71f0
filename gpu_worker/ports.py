"""What the worker asks of queue, machine and models, beside `model_store.ports`; fakes do it in tests."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from model_store.errors import MemorabilityError
from model_store.heatmap_drawing import Heatmap
from model_store.heatmap_items import HeatmapOrigin, HeatmapPlace
from model_store.heatmaps.methods import Method
from model_store.heatmaps.records import HeatmapFailure
from model_store.heatmaps.subjects import HeatmapSubject
from model_store.images import Preprocessing
from model_store.runtime.scoring import DecodedPhoto


class UnexplainableError(MemorabilityError):
    """A subject that is not there, or that a method cannot explain: trying again is of no use.

    Attributes:
        failure: what the record says.
    """

    def __init__(self, failure: HeatmapFailure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass(frozen=True)
class Message:
    """A message that the queue has given out to this worker.

    Attributes:
        message_id: the same for every time that it is given out.
        receipt: what settles it; of this time alone.
        body: what it says.
        receives: how often it was given out, this time included.
        age_seconds: how long it had been in the queue when it was given out.
    """

    message_id: str
    receipt: str
    body: str
    receives: int = 1
    age_seconds: float = 0.0


class JobQueue(Protocol):
    """The queue of jobs, and the one for failures behind it."""

    @property
    def visibility_seconds(self) -> int:
        """For how long a message that was given out is nobody else's."""

    @property
    def max_receives(self) -> int | None:
        """How often a message is given out before it counts as failed; None for a queue without such a limit."""

    def receive(self, limit: int, wait_seconds: int) -> list[Message]:
        """Up to `limit` (at most 10) messages; waits for the first one as long as said."""

    def hide(self, messages: Collection[Message], seconds: int) -> None:
        """Keeps messages from other workers for so long from now on; with 0 they can be had at once."""

    def delete(self, message: Message) -> None:
        """Removes a message that is dealt with."""

    def refuse(self, message: Message, reason: str) -> None:
        """Moves a message to the queue for failures, with the reason as its attribute."""


class Machine(Protocol):
    """The machine that the worker runs on, and the fleet that it belongs to."""

    def notice(self) -> str | None:
        """Why the machine is going to be taken away, None where it is not."""

    def protect(self, *, busy: bool) -> None:
        """Keeps the fleet from choosing this machine when it shrinks, as long as it is busy."""

    def release(self) -> None:
        """Tells the fleet that nothing is left to do here, so that it need not wait."""


class Counters(Protocol):
    """Metrics by name; may be used from several threads."""

    def count(self, name: str, number: int = 1) -> None:
        """Adds to a number of things."""

    def seconds(self, name: str, seconds: float) -> None:
        """Notes how long something took."""

    def flush(self) -> None:
        """Writes what was noted since the last time."""


class Explainer[Map](Protocol):
    """A subject whose models are in memory; what it computes for a photo is its own affair."""

    @property
    def preprocessings(self) -> frozenset[Preprocessing]:
        """The ways in which the models want a photo cut."""

    def explain(self, method: Method, photos: Sequence[DecodedPhoto]) -> Sequence[Map]:
        """Computes the maps of photos together, on the device.

        Raises:
            UnexplainableError: the method cannot explain the subject.
        """

    def scale(self, maps: Sequence[Map]) -> float:
        """The value that gets the full colour, were these maps all."""

    def draw(
        self, computed: Map, photo: DecodedPhoto, place: HeatmapPlace, origin: HeatmapOrigin, scale: float
    ) -> Heatmap:
        """Draws a map, for its place and of its origin; takes no device, so that several threads can do it."""


class Explainers(Protocol):
    """Every subject that can be asked for."""

    def get(self, subject: HeatmapSubject) -> Explainer[Any]:
        """A subject, loaded.

        Raises:
            UnexplainableError: there is none of that name.
            StoreError: it cannot be read.
        """


@dataclass(frozen=True)
class Surroundings:
    """Whom the worker deals with, beside bucket and table."""

    queue: JobQueue
    machine: Machine
    explainers: Explainers
    counters: Counters
