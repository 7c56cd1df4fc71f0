"""What is loaded for a reference, for a process that serves for as long as it lives: followed when an alias moves."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from threading import Lock
from typing import Protocol, final

logger = logging.getLogger(__name__)

REFRESH_SECONDS = 30.0
# A version that could not be loaded is not read again with every look at the alias: that is 0.2 GB for ResMem.
RETRY_SECONDS = 300.0

OnRefusal = Callable[[str, Exception], None]
"""Called with what goes on serving (`name@version`), and why that which was asked for does not."""


class Pinned(Protocol):
    """What a reference stands for at a time."""

    @property
    def ref(self) -> str:
        """Its name and version, `name@version`."""


@dataclass(frozen=True)
class _Refusal:
    """A version that could not be loaded, why, and when it is tried again."""

    ref: str
    error: Exception
    retry_at: float


@dataclass(frozen=True)
class _Served[Spec, Loaded]:
    """What stands behind a reference, and what should but cannot."""

    spec: Spec
    loaded: Loaded
    looked_up_at: float
    refusal: _Refusal | None = None


@final
class Follower[Key, Spec: Pinned, Loaded]:
    """Keeps things loaded, by the references they are asked for; safe to use from several threads.

    A reference is looked up again after 30 s at the earliest, when it is asked for. What it stands for by then is
    loaded beside the old, and takes its place whole: whoever has got the old finishes with it. Where the new cannot be
    loaded, the old goes on serving. What was asked for least recently is dropped when there are more than `most`.
    """

    def __init__(
        self,
        resolve: Callable[[Key], Spec],
        load: Callable[[Spec], Loaded],
        *,
        most: int,
        on_refusal: OnRefusal = lambda _serving, _error: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Names what it goes by; nothing is loaded before it is asked for.

        Args:
            resolve: what a reference stands for now.
            load: brings that into memory; may look at what `values` holds already.
            most: references that are kept at a time.
            on_refusal: told, at every look-up, of a version that cannot be served.
            clock: seconds that only grow.
        """
        self._resolve = resolve
        self._load = load
        self._most = most
        self._on_refusal = on_refusal
        self._clock = clock
        self._lock = Lock()
        self._served: dict[Key, _Served[Spec, Loaded]] = {}

    def get(self, key: Key) -> Loaded:
        """What a reference stands for, loaded; waits for who is loading.

        Raises:
            Exception: as `resolve` and `load` do; only where nothing was loaded for this reference before.
        """
        with self._lock:
            served = self._served.get(key)
            if served is None:
                spec = self._resolve(key)
                served = _Served(spec, self._load(spec), self._clock())
            elif self._clock() - served.looked_up_at >= REFRESH_SECONDS:
                served = self._refresh(key, served)
            self._keep(key, served)
            return served.loaded

    def values(self) -> Iterator[Loaded]:
        """All that is loaded; to be called by `load` alone."""
        return (served.loaded for served in self._served.values())

    def _refresh(self, key: Key, served: _Served[Spec, Loaded]) -> _Served[Spec, Loaded]:
        served = replace(served, looked_up_at=self._clock())
        try:
            spec = self._resolve(key)
        except Exception as error:  # whatever a volume in trouble raises, what is in memory can serve
            return self._refuse(served, _Refusal(str(key), error, retry_at=0))
        if spec.ref == served.spec.ref:
            return replace(served, refusal=None)
        if served.refusal and served.refusal.ref == spec.ref and self._clock() < served.refusal.retry_at:
            return self._refuse(served, served.refusal)
        try:
            return _Served(spec, self._load(spec), self._clock())
        except Exception as error:  # likewise for whatever a broken version makes JAX raise
            return self._refuse(served, _Refusal(spec.ref, error, self._clock() + RETRY_SECONDS))

    def _refuse(self, served: _Served[Spec, Loaded], refusal: _Refusal) -> _Served[Spec, Loaded]:
        serving = served.spec.ref
        logger.error("%s cannot be served, so %s goes on: %s", refusal.ref, serving, refusal.error)
        self._on_refusal(serving, refusal.error)
        return replace(served, refusal=refusal)

    def _keep(self, key: Key, served: _Served[Spec, Loaded]) -> None:
        self._served.pop(key, None)
        self._served[key] = served  # behind all others, as the most recent
        while len(self._served) > self._most:
            del self._served[next(iter(self._served))]
