"""Photos of all requests, gathered into batches of the sizes that the networks are compiled for."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import final

from model_store.records import FailedRecord, ScoredRecord
from model_store.runtime.ensembles import LoadedEnsemble
from model_store.runtime.loading import split_into_batches
from model_store.runtime.scoring import DecodedPhoto, score_with_all

type AnyRecord = ScoredRecord | FailedRecord
type OnBatch = Callable[[int, float], None]
"""Called with the number of photos and the seconds that the networks took."""


@dataclass(frozen=True)
class _Waiting:
    """A photo that waits for the networks; `since` is the event loop's time."""

    ensemble: LoadedEnsemble
    photo: DecodedPhoto
    record: asyncio.Future[AnyRecord]
    since: float


@final
class Batcher:
    """One batch at a time is in the networks, which use all cores; the others wait in the order they came.

    A batch is as large as the largest compiled size that the waiting photos fill: five photos are a batch of four and
    one of one, and the four are answered first. While the networks are idle, the first photo waits a little for others.
    """

    def __init__(self, networks: Executor, max_batch: int, max_wait_seconds: float, on_batch: OnBatch) -> None:
        self._networks = networks
        self._max_batch = max_batch
        self._max_wait_seconds = max_wait_seconds
        self._on_batch = on_batch
        self._waiting: deque[_Waiting] = deque()
        self._arrival = asyncio.Event()

    async def score(self, ensemble: LoadedEnsemble, photo: DecodedPhoto) -> AnyRecord:
        """The photo's record, once it was its turn; a photo whose caller is cancelled meanwhile is left out."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(ensemble, photo, loop.create_future(), loop.time())
        self._waiting.append(waiting)
        self._arrival.set()
        return await waiting.record

    async def run(self) -> None:
        """Scores what comes, until it is cancelled."""
        while True:
            await self._company()
            if batch := self._next_batch():
                await self._score(batch)

    async def _company(self) -> None:
        """Returns when a full batch is there, or the first photo has waited long enough."""
        while not self._waiting:
            await self._next_arrival()
        try:
            async with asyncio.timeout_at(self._waiting[0].since + self._max_wait_seconds):
                while len(self._waiting) < self._max_batch:
                    await self._next_arrival()
        except TimeoutError:
            return

    async def _next_arrival(self) -> None:
        self._arrival.clear()
        await self._arrival.wait()

    def _next_batch(self) -> list[_Waiting]:
        """Takes the first photos that one ensemble scores; those that nobody waits for any more are dropped."""
        self._waiting = deque(waiting for waiting in self._waiting if not waiting.record.cancelled())
        if not self._waiting:
            return []
        first = self._waiting[0].ensemble
        same = takewhile(lambda waiting: waiting.ensemble is first, self._waiting)
        ready = sum(1 for _ in islice(same, self._max_batch))
        return [self._waiting.popleft() for _ in range(split_into_batches(ready)[0])]

    async def _score(self, batch: list[_Waiting]) -> None:
        ensemble = batch[0].ensemble
        start = time.perf_counter()
        try:
            records = await asyncio.get_running_loop().run_in_executor(
                self._networks, score_with_all, [ensemble], [waiting.photo for waiting in batch]
            )
        except Exception as error:  # whatever the networks raise costs this batch its records, and no other
            for waiting in batch:
                if not waiting.record.done():
                    waiting.record.set_exception(error)
            return
        self._on_batch(len(batch), time.perf_counter() - start)
        for waiting, by_name in zip(batch, records, strict=True):
            if not waiting.record.done():
                waiting.record.set_result(by_name[ensemble.spec.name])
