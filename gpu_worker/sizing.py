"""How many photos go through the device together: found by halving when its memory does not suffice."""

import logging
from collections.abc import Callable, Sequence
from typing import final

from gpu_worker.backlog import Group

logger = logging.getLogger(__name__)


@final
class BatchLimits:
    """The most photos that a batch of each group may have.

    Attributes:
        start: of a group for which nothing else is known.
    """

    def __init__(self, start: int) -> None:
        """Begins with the same limit for all groups."""
        self.start = start
        self._learnt: dict[Group, int] = {}

    def __getitem__(self, group: Group) -> int:
        """The limit of a group."""
        return self._learnt.get(group, self.start)

    def lower(self, group: Group, too_many: int) -> None:
        """Notes that so many photos need more memory than there is."""
        self._learnt[group] = min(self[group], max(1, too_many // 2))
        logger.warning("the device's memory does not hold %d photos for %s", too_many, group)


def in_halves[Photo, Result](
    compute: Callable[[Sequence[Photo]], Sequence[Result]],
    photos: Sequence[Photo],
    on_out_of_memory: Callable[[int], object],
) -> list[Result | Exception]:
    """Computes a batch; where that fails, each half of it on its own, down to single photos.

    So a batch that is too large succeeds in parts, and one photo that cannot be computed costs no other its result.

    Args:
        compute: gives a result for each photo.
        photos: at least one.
        on_out_of_memory: told of the size of each batch that the memory did not suffice for.

    Returns:
        For each photo its result, or why there is none.
    """
    try:
        return list(compute(photos))
    except Exception as error:
        if is_out_of_memory(error):
            on_out_of_memory(len(photos))
        if len(photos) == 1:
            return [error]
        logger.warning("%d photos are tried in halves: %s", len(photos), error)
    middle = len(photos) // 2
    return [
        result for half in (photos[:middle], photos[middle:]) for result in in_halves(compute, half, on_out_of_memory)
    ]


def is_out_of_memory(error: Exception) -> bool:
    """Whether the device or the machine lacked memory; XLA says so by a status in its message."""
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)
