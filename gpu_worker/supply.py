"""Batches for the device: received, grouped, and with their photos decoded."""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, final

from gpu_worker.backlog import Backlog, Group, Work
from gpu_worker.draining import Draining
from gpu_worker.holding import Holding
from gpu_worker.photos import Dropped, Failed, PhotoReader, Ready
from gpu_worker.ports import Explainer, Message, Surroundings, UnexplainableError
from gpu_worker.settling import Settling
from gpu_worker.sizing import BatchLimits
from model_store.heatmaps.jobs import HeatmapJob, MalformedJobError

logger = logging.getLogger(__name__)

LONG_POLL_SECONDS = 10  # while there is nothing to do; also the time that an idle worker takes to stop
SHORT_POLL_SECONDS = 1  # while the device has work; with no wait at all, SQS asks only some of its servers
RECEIVE_AT_ONCE = 10  # SQS's most
PAUSE_SECONDS = 5.0  # when the queue is in trouble
# Jobs in hand: a batch on the device, one that is being decoded or written, one to choose from. More would wait here
# while other workers are idle, and would all lose a try if this one died.
BATCHES_IN_HAND = 3


@dataclass(frozen=True)
class Batch:
    """Jobs of one group, and what explains them."""

    group: Group
    explainer: Explainer[Any]
    ready: Sequence[Ready]


@final
class Supply:
    """Takes jobs from the queue and makes batches of them; settles those that come to an end by that."""

    def __init__(
        self,
        surroundings: Surroundings,
        holding: Holding,
        reader: PhotoReader,
        settling: Settling,
        limits: BatchLimits,
        draining: Draining,
    ) -> None:
        self._surroundings = surroundings
        self._holding = holding
        self._reader = reader
        self._settling = settling
        self._limits = limits
        self._draining = draining
        self._backlog = Backlog()

    def next_batch(self, threads: Executor, *, is_busy: bool) -> Batch | None:
        """Receives what there is, and prepares a batch.

        Args:
            threads: fetch and decode photos.
            is_busy: whether the device has work, so that a message is not waited for long.

        Returns:
            The batch; None where there are no jobs, or none that can be done.
        """
        try:
            self._receive(SHORT_POLL_SECONDS if is_busy else LONG_POLL_SECONDS)
        except Exception:
            logger.exception("no jobs could be received")
            self._draining.wait(PAUSE_SECONDS)
        self._surroundings.machine.protect(busy=len(self._holding) > 0)
        works = [] if self._draining.is_begun else self._backlog.take(self._limits.__getitem__)
        return self._prepare(works, threads) if works else None

    def _receive(self, poll_seconds: int) -> None:
        """Takes as many messages as there are and there is room for; waits for the first one as long as said."""
        while not self._draining.is_begun and (room := self._room()) > 0:
            limit = min(room, RECEIVE_AT_ONCE)
            messages = self._surroundings.queue.receive(limit, poll_seconds)
            self._holding.add(messages)
            self._backlog.add([work for work in map(self._read, messages) if work])
            if len(messages) < limit:
                return
            poll_seconds = 0

    def _room(self) -> int:
        return BATCHES_IN_HAND * self._limits.start - len(self._holding)

    def _read(self, message: Message) -> Work | None:
        try:
            return Work(message, HeatmapJob.parse(message.body))
        except MalformedJobError as error:
            self._settling.malformed(message, error)
            return None

    def _prepare(self, works: Sequence[Work], threads: Executor) -> Batch | None:
        start = time.perf_counter()
        group = works[0].group
        explainer = self._load(group)
        found = [ready for ready in threads.map(lambda work: self._fetch(work, explainer), works) if ready]
        self._surroundings.counters.seconds("PrepareTime", time.perf_counter() - start)
        return None if isinstance(explainer, Exception) else Batch(group, explainer, found)

    def _load(self, group: Group) -> Explainer[Any] | Exception:
        try:
            return self._surroundings.explainers.get(group.subject)
        except Exception as error:  # is every job's own, for what becomes of a job depends on what is known of it
            return error

    def _fetch(self, work: Work, explainer: Explainer[Any] | Exception) -> Ready | None:
        """A job with its photo; None where the job has come to an end."""
        try:
            found = self._find(work, explainer)
        except Exception as error:
            self._settling.faulted(work, error)
            return None
        if isinstance(found, Ready):
            return found
        self._settling.ended(found)
        return None

    def _find(self, work: Work, explainer: Explainer[Any] | Exception) -> Ready | Failed | Dropped:
        target = self._reader.look_up(work)
        if isinstance(target, Dropped):
            return target
        if isinstance(explainer, UnexplainableError):
            return Failed(target, explainer.failure)
        if isinstance(explainer, Exception):
            raise explainer
        return self._reader.read(target, explainer.preprocessings)
