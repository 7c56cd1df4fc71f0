"""What became of the uploads of one call."""

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field

from functions.score.uploads import Upload
from model_store.records import FailedRecord, ScoredRecord

logger = logging.getLogger(__name__)


@dataclass
class Progress:
    """Takes uploads through steps in threads, each failing for itself, and counts what becomes of them.

    Attributes:
        scored: photos with a score.
        failed: photos that cannot be scored, and have a record that says why.
        missing: photos that were deleted meanwhile.
        unchanged: photos, among those scored and failed, whose records or later ones were there already.
        model_seconds: time spent in the networks.
        faults: photos without a record through a fault of ours.
    """

    scored: int = 0
    failed: int = 0
    missing: int = 0
    unchanged: int = 0
    model_seconds: float = 0.0
    faults: dict[Upload, Exception] = field(default_factory=dict)

    def run[Result](
        self, pool: Executor, step: Callable[[Upload], Result], uploads: Iterable[Upload]
    ) -> dict[Upload, Result]:
        """The result of a step for every upload for which it succeeds; the others take no further step."""
        futures = {upload: pool.submit(step, upload) for upload in uploads}
        results: dict[Upload, Result] = {}
        for upload, future in futures.items():
            try:
                results[upload] = future.result()
            except Exception as error:  # one upload's fault must not cost another one its record
                self.fail(upload, error)
        return results

    def fail(self, upload: Upload, error: Exception) -> None:
        """Notes a fault of ours."""
        logger.error("%s could not be scored: %s", upload.key, error, exc_info=error)
        self.faults[upload] = error

    def count(self, record: ScoredRecord | FailedRecord, *, is_new: bool) -> None:
        """Counts an upload by one of its records."""
        self.scored += record.status == "scored"
        self.failed += record.status == "failed"
        self.unchanged += not is_new
