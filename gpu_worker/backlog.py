"""Jobs in hand that wait for the device: shared fairly by the tenants, and taken in groups that run together."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import final

from gpu_worker.ports import Message
from model_store.heatmaps.jobs import HeatmapJob
from model_store.heatmaps.methods import Method
from model_store.heatmaps.subjects import HeatmapSubject


@dataclass(frozen=True)
class Group:
    """What jobs have in common that can run in one batch."""

    subject: HeatmapSubject
    method: Method


@dataclass(frozen=True)
class Work:
    """A job, and the message that brought it."""

    message: Message
    job: HeatmapJob

    @property
    def group(self) -> Group:
        """What it can run together with."""
        return Group(self.job.subject, self.job.method)


@final
class Backlog:
    """Jobs by tenant; the tenant who has been served last is served again when all others had their turn."""

    def __init__(self) -> None:
        self._tenants: OrderedDict[str, deque[Work]] = OrderedDict()

    def __len__(self) -> int:
        """How many jobs wait."""
        return sum(map(len, self._tenants.values()))

    def add(self, works: Iterable[Work]) -> None:
        """Puts jobs behind those of the same tenant."""
        for work in works:
            self._tenants.setdefault(work.job.tenant, deque()).append(work)

    def take(self, limit: Callable[[Group], int]) -> list[Work]:
        """Removes jobs of one group, for one batch.

        The tenant whose turn it is says which group: that of their oldest job. The others fill the batch up with theirs
        of that group, one after the other, until it is full or there are no more.

        Args:
            limit: most jobs in a batch of that group.

        Returns:
            The jobs; none where none wait.
        """
        if not self._tenants:
            return []
        group = next(iter(self._tenants.values()))[0].group
        taken: list[Work] = []
        while len(taken) < limit(group) and (work := self._next_of(group)):
            taken.append(work)
        return taken

    def _next_of(self, group: Group) -> Work | None:
        """The oldest job of the group, of the tenant who comes first among those who have one."""
        for tenant, works in self._tenants.items():
            if found := next((work for work in works if work.group == group), None):
                works.remove(found)
                self._tenants.move_to_end(tenant)
                if not works:
                    del self._tenants[tenant]
                return found
        return None
