"""A limited good, of which everybody takes what they need at once or nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import final

from memorability.serving.problems import Problem


@final
class Capacity:
    """Counts what is held of a limited good; for one event loop.

    Attributes:
        limit: how much there is.
        held: how much is in use.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    @contextmanager
    def hold(self, amount: int, otherwise: Problem) -> Iterator[None]:
        """Holds an amount for as long as the block runs; raises the problem if there is not as much left."""
        if self.held + amount > self.limit:
            raise otherwise
        self.held += amount
        try:
            yield
        finally:
            self.held -= amount
