"""What becomes of each job: its heatmap, a record that says why there is none, another try, or the failure queue."""

import logging
from collections.abc import Callable
from typing import final

from gpu_worker.backlog import Work
from gpu_worker.holding import Holding
from gpu_worker.photos import Dropped, Failed, PhotoReader, Target
from gpu_worker.ports import Counters, JobQueue, Message
from model_store.heatmap_drawing import Heatmap
from model_store.heatmap_items import HeatmapRecord, heatmap_item
from model_store.heatmaps.records import FailedHeatmap, HeatmapFailure
from model_store.ports import HeatmapTable, ObjectSink

logger = logging.getLogger(__name__)

INTERNAL_ERROR = "internal_error"

# How long a job rests after its first failure; twice as long after each further one.
FIRST_PAUSE_SECONDS = 5
MAX_PAUSE_SECONDS = 300


@final
class Settling:
    """Settles jobs, each once and for itself; may be used from several threads.

    The record is written before the message is deleted: a worker that dies between the two leaves a job that the next
    one finds done.
    """

    def __init__(
        self,
        queue: JobQueue,
        holding: Holding,
        heatmaps: ObjectSink,
        table: HeatmapTable,
        reader: PhotoReader,
        counters: Counters,
    ) -> None:
        self._queue = queue
        self._holding = holding
        self._heatmaps = heatmaps
        self._table = table
        self._reader = reader
        self._counters = counters

    def done(self, target: Target, draw: Callable[[], Heatmap]) -> None:
        """Draws and keeps a heatmap: the objects first, then the record that points to them."""

        def keep() -> None:
            heatmap = draw()
            heatmap.write(self._heatmaps)
            is_new = self._record(target, heatmap.record)
            self._counters.count("HeatmapsDone" if is_new else "HeatmapsUnchanged")
            self._delete(target.work.message)

        self._guarded(target.work, keep)

    def ended(self, end: Failed | Dropped) -> None:
        """Records why there is no heatmap, or forgets a job that nothing is to be done for."""
        work = end.target.work if isinstance(end, Failed) else end.work

        def keep() -> None:
            if isinstance(end, Failed):
                logger.info("%s has no heatmap: %s", work.job.place.upload, end.failure.message)
                self._record_failure(end.target, end.failure)
            else:
                logger.info("%s is dropped: %s", work.job, end.reason)
            self._counters.count("HeatmapsFailed" if isinstance(end, Failed) else "HeatmapsUnchanged")
            self._delete(work.message)

        self._guarded(work, keep)

    def malformed(self, message: Message, error: Exception) -> None:
        """Moves a message that is no job to the failure queue."""
        self._refuse(message, str(error))

    def faulted(self, work: Work, error: Exception) -> None:
        """Gives a job back after a fault of ours, for another try; after its last one it is refused, and recorded."""
        logger.error("%s could not be done: %s", work.job, error, exc_info=error)
        tries = self._queue.max_receives
        if tries is None or work.message.receives < tries:
            self._try_again(work.message)
            return
        try:
            target = self._reader.look_up(work)
            if isinstance(target, Target):
                message = (
                    f"The heatmap of {work.job.filename} could not be computed in {tries} tries; ask for it again."
                )
                self._record_failure(target, HeatmapFailure(code=INTERNAL_ERROR, message=message))
        except Exception:  # the failure queue keeps the job in any case
            logger.exception("the failure of %s could not be recorded", work.job)
        self._refuse(work.message, f"{type(error).__name__}: {error}")

    def _guarded(self, work: Work, settle: Callable[[], None]) -> None:
        try:
            settle()
        except Exception as error:  # of one job: the others' must not suffer
            self.faulted(work, error)

    def _record_failure(self, target: Target, failure: HeatmapFailure) -> None:
        job = target.work.job
        record = FailedHeatmap(file=job.filename, subject=job.subject, method=job.method, error=failure)
        self._record(target, record)

    def _record(self, target: Target, record: HeatmapRecord) -> bool:
        item = heatmap_item(target.work.job.place, record, target.origin)
        return self._table.put_unless_done(item, only_replace=target.is_recorded)

    def _delete(self, message: Message) -> None:
        self._holding.let_go(message)
        self._queue.delete(message)
        self._counters.seconds("JobAge", message.age_seconds)

    def _try_again(self, message: Message) -> None:
        pause = min(FIRST_PAUSE_SECONDS * 2 ** (message.receives - 1), MAX_PAUSE_SECONDS)
        self._counters.count("JobsReturned")
        self._leave(message, lambda: self._queue.hide([message], pause))

    def _refuse(self, message: Message, reason: str) -> None:
        logger.error("message %s goes to the failure queue: %s", message.message_id, reason)
        self._counters.count("JobsRefused")
        self._leave(message, lambda: self._queue.refuse(message, reason))

    def _leave(self, message: Message, tell_queue: Callable[[], None]) -> None:
        """Lets go of a message; where the queue cannot be told, it brings the message again by itself."""
        self._holding.let_go(message)
        try:
            tell_queue()
        except Exception:
            logger.exception("the queue could not be told of message %s", message.message_id)
