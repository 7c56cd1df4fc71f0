"""The worker's loop: while one batch is on the device, the next is fetched and decoded, and the last one written."""

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any, final

from gpu_worker.backlog import Group
from gpu_worker.draining import Draining
from gpu_worker.holding import Holding
from gpu_worker.photos import Failed, Ready, Target
from gpu_worker.ports import Surroundings, UnexplainableError
from gpu_worker.settling import Settling
from gpu_worker.sizing import BatchLimits, in_halves
from gpu_worker.supply import Batch, Supply
from model_store.heatmap_drawing import Heatmap
from model_store.heatmap_scales import SharedScales
from model_store.uploads import BatchKey

logger = logging.getLogger(__name__)

THREADS = 8  # that fetch, decode, draw and write

type Draw = Callable[[], Heatmap]


@final
class Worker:
    """Does jobs until it is drained."""

    def __init__(
        self,
        surroundings: Surroundings,
        supply: Supply,
        holding: Holding,
        settling: Settling,
        scales: SharedScales,
        limits: BatchLimits,
        draining: Draining,
    ) -> None:
        self._machine = surroundings.machine
        self._counters = surroundings.counters
        self._supply = supply
        self._holding = holding
        self._settling = settling
        self._scales = scales
        self._limits = limits
        self._draining = draining

    def run(self) -> None:
        """Takes jobs and does them; returns once the worker is drained and has nothing in hand any more."""
        settled: list[Future[None]] = []
        with ThreadPoolExecutor(1, "supply") as supply, ThreadPoolExecutor(THREADS, "jobs") as threads:
            upcoming = supply.submit(self._supply.next_batch, threads, is_busy=False)
            while not self._draining.is_begun:
                batch = upcoming.result()
                upcoming = supply.submit(self._supply.next_batch, threads, is_busy=batch is not None)
                drawings = self._explain(batch) if batch and not self._draining.is_begun else []
                wait(settled)  # one batch is being written while the next is on the device, and no more
                settled = [threads.submit(self._settling.done, target, draw) for target, draw in drawings]
                self._counters.flush()
        given_back = self._holding.give_back_all()
        logger.info("drained (%s): %d jobs are left to others", self._draining.reason, given_back)
        self._machine.protect(busy=False)
        self._counters.flush()

    def _explain(self, batch: Batch) -> list[tuple[Target, Draw]]:
        """Computes the maps of a batch on the device, and says how to draw them; jobs without one are settled."""
        if not batch.ready:
            return []
        start = time.perf_counter()
        results = in_halves(
            lambda part: batch.explainer.explain(batch.group.method, [ready.photo for ready in part]),
            batch.ready,
            lambda size: self._run_out_of_memory(batch.group, size),
        )
        self._counters.seconds("DeviceTime", time.perf_counter() - start)
        self._counters.count("PhotosOnDevice", len(batch.ready))
        maps = dict(zip(batch.ready, results, strict=True))
        for ready, error in maps.items():
            if isinstance(error, Exception):
                self._settle_unexplained(ready, error)
        return self._drawings(
            batch, {ready: found for ready, found in maps.items() if not isinstance(found, Exception)}
        )

    def _drawings(self, batch: Batch, maps: Mapping[Ready, Any]) -> list[tuple[Target, Draw]]:
        """How to draw each map, at one scale for all photos of a tenant's batch."""
        by_batch: dict[BatchKey, list[Any]] = {}
        for ready, computed in maps.items():
            by_batch.setdefault(ready.target.place.upload.batch_key, []).append(computed)
        proposals = {key: batch.explainer.scale(computed) for key, computed in by_batch.items()}

        def draw(ready: Ready, computed: Any) -> Heatmap:
            target = ready.target
            scale = self._scales.get(target.place, proposals[target.place.upload.batch_key], target.origin.expires_at)
            return batch.explainer.draw(computed, ready.photo, target.place, target.origin, scale)

        return [(ready.target, partial(draw, ready, computed)) for ready, computed in maps.items()]

    def _settle_unexplained(self, ready: Ready, error: Exception) -> None:
        if isinstance(error, UnexplainableError):
            self._settling.ended(Failed(ready.target, error.failure))
        else:
            self._settling.faulted(ready.target.work, error)

    def _run_out_of_memory(self, group: Group, size: int) -> None:
        self._limits.lower(group, size)
        self._counters.count("OutOfMemory")
