"""Requests' photos → records: what is accepted, decoded, scored, and finished before the end."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import final

import numpy as np

from memorability.serving.batching import AnyRecord, Batcher
from memorability.serving.capacity import Capacity
from memorability.serving.metrics import ServingMetrics
from memorability.serving.problems import Problem, unavailable
from memorability.serving.rules import ServingRules
from model_store.runtime.ensembles import LoadedEnsemble
from model_store.runtime.executables import BATCH_SIZES
from model_store.runtime.scoring import DecodedPhoto, Photo, decode_photo
from model_store.runtime.serving import REFRESH_SECONDS, EnsembleServer

logger = logging.getLogger(__name__)

STOPPING_RETRY_SECONDS = 5
LOADING_RETRY_SECONDS = 2
# How much the last batch counts in what a photo is taken to cost: a change of speed shows after ten batches.
_SMOOTHING = 0.2


@final
class ScoringService:
    """Scores photos with the ensemble of its rules, within its limits; lives in one event loop.

    Attributes:
        rules: limits and habits.
        metrics: told of photos, batches and ensembles.
        ensemble: what serves; None until it is loaded.
        stopping: whether it was told to stop.
    """

    def __init__(
        self,
        ensembles: EnsembleServer,
        rules: ServingRules,
        metrics: ServingMetrics,
        refresh_seconds: float = REFRESH_SECONDS,
    ) -> None:
        self.rules = rules
        self.metrics = metrics
        self.ensemble: LoadedEnsemble | None = None
        self.stopping = False
        self._refresh_seconds = refresh_seconds
        self._ensembles = ensembles
        self._photos = Capacity(rules.max_waiting_photos)
        self._bytes = Capacity(rules.max_buffered_bytes)
        self._requests = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._seconds_per_photo = 0.0
        self._loader, self._networks = ThreadPoolExecutor(1, "loader"), ThreadPoolExecutor(1, "networks")
        self._decoders = ThreadPoolExecutor(rules.decoders, "decoder")
        self._batcher = Batcher(self._networks, rules.max_batch, rules.max_wait_seconds, self._count_batch)
        metrics.watch_waiting(lambda: self._photos.held)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Loads the ensemble, follows its alias and scores, for as long as the block runs.

        Raises:
            StoreError: the ensemble cannot be loaded; raised from the block, which is cancelled.
        """
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._batcher.run()), group.create_task(self._follow_alias())]
                yield
                for task in tasks:
                    task.cancel()
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        finally:
            for pool in (self._loader, self._decoders, self._networks):
                pool.shutdown(cancel_futures=True)

    def serving(self) -> LoadedEnsemble:
        """What serves.

        Raises:
            Problem: nothing does yet, or not any more.
        """
        if self.stopping:
            raise unavailable("stopping", "this server is being stopped; ask another one", STOPPING_RETRY_SECONDS)
        if self.ensemble is None:
            detail = f"{self.rules.ensemble} is being loaded; try again"
            raise unavailable("loading", detail, LOADING_RETRY_SECONDS)
        return self.ensemble

    @contextmanager
    def accept(self, n_bytes: int) -> Iterator[LoadedEnsemble]:
        """Accepts a request with a body of at most that many bytes: it is finished before the service stops.

        Raises:
            Problem: it has to come again later.
        """
        ensemble = self.serving()
        if self._photos.held == self._photos.limit:  # said before the body is sent
            raise self._busy(f"{self._photos.held} photos are waiting")
        with self._bytes.hold(n_bytes, self._busy(f"requests of {self._bytes.held / 1e6:.1f} MB are being worked on")):
            self._requests += 1
            self._idle.clear()
            try:
                yield ensemble
            finally:
                self._requests -= 1
                if not self._requests:
                    self._idle.set()

    async def score(self, ensemble: LoadedEnsemble, photos: Sequence[Photo]) -> list[AnyRecord]:
        """One record a photo, in their order.

        Raises:
            Problem: too many photos wait already.
            ExceptionGroup: the networks failed.
        """
        with self._photos.hold(len(photos), self._busy(f"{self._photos.held} photos are waiting")):
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._score(ensemble, photo)) for photo in photos]
        return [task.result() for task in tasks]

    async def stop(self) -> None:
        """Accepts nothing any more, and returns when everything that was accepted is finished, or took too long."""
        self.stopping = True
        try:
            async with asyncio.timeout(self.rules.stop_seconds):
                await self._idle.wait()
        except TimeoutError:
            logger.error("%d requests are not finished after %g s", self._requests, self.rules.stop_seconds)

    async def in_thread[Result](self, function: Callable[[], Result]) -> Result:
        """Runs what would keep the event loop too long, in one of the decoders' threads."""
        return await asyncio.get_running_loop().run_in_executor(self._decoders, function)

    async def _score(self, ensemble: LoadedEnsemble, photo: Photo) -> AnyRecord:
        cuts, limits = ensemble.spec.preprocessings, self.rules.limits
        outcome = await self.in_thread(lambda: decode_photo(photo, cuts, limits))
        if isinstance(outcome, DecodedPhoto):
            record = await self._batcher.score(ensemble, outcome)
        else:
            record = outcome
        self.metrics.count_photo(record)
        return record

    def _count_batch(self, photos: int, seconds: float) -> None:
        self.metrics.count_batch(photos, seconds)
        last = seconds / photos
        self._seconds_per_photo += _SMOOTHING * (last - self._seconds_per_photo) if self._seconds_per_photo else last

    def _busy(self, reason: str) -> Problem:
        """Says to come again when what waits now is scored, at the present speed."""
        seconds = max(1, math.ceil(self._photos.held * self._seconds_per_photo))
        return unavailable("busy", f"{reason}; try again in {seconds} s", seconds)

    async def _follow_alias(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                self.ensemble = await loop.run_in_executor(self._loader, self._load, self.ensemble)
            except Exception:
                if self.ensemble is None:
                    raise
                logger.exception("%s goes on", self.ensemble.spec.ref)
                self.metrics.count_refusal()
            else:
                self.metrics.set_ensemble(self.ensemble.spec.ref)
            await asyncio.sleep(self._refresh_seconds)

    def _load(self, serving: LoadedEnsemble | None) -> LoadedEnsemble:
        ensemble = self._ensembles.get(self.rules.ensemble)
        if ensemble is not serving:
            warm_up(ensemble, self.rules.max_batch)
            logger.info("%s serves", ensemble.spec.ref)
        return ensemble


def warm_up(ensemble: LoadedEnsemble, max_batch: int) -> None:
    """Runs every program that requests will need, so that no request waits for one to be linked or compiled."""
    for model in ensemble.models.values():
        side = model.manifest.preprocessing.crop
        for size in BATCH_SIZES:
            if size <= max_batch:
                model(np.zeros((size, side, side, 3), np.uint8))
