"""What was used last, as much of it as a budget holds."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import final


@final
class BudgetedCache[Value]:
    """Values by name that take memory together; what was used least recently goes first. Safe to use from threads.

    A value larger than the budget is kept alone. One that goes lives on for as long as somebody uses it.
    """

    def __init__(self, budget_bytes: int, size: Callable[[Value], int]) -> None:
        """Begins empty.

        Args:
            budget_bytes: for all values together.
            size: bytes that a value takes.
        """
        self._budget_bytes = budget_bytes
        self._size = size
        self._values: OrderedDict[str, Value] = OrderedDict()
        self._lock = Lock()

    def get(self, name: str, load: Callable[[], Value]) -> Value:
        """The value of that name; waits for who is loading, for two at once would need the memory of both."""
        with self._lock:
            if name not in self._values:
                self._values[name] = load()
            self._values.move_to_end(name)
            while len(self._values) > 1 and sum(map(self._size, self._values.values())) > self._budget_bytes:
                self._values.popitem(last=False)
            return self._values[name]

    @property
    def names(self) -> tuple[str, ...]:
        """What is kept, least recently used first."""
        return tuple(self._values)
