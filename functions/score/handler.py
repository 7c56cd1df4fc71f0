"""Lambda's way in: uploads become records."""

from functions.score import early  # goes on beside all other imports

# isort: split

import os
import time
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.metrics import MetricUnit

from functions import telemetry
from functions.events import is_from_queue, object_events
from functions.score.progress import Progress
from functions.score.uploads import Upload, find_uploads
from functions.score.wiring import ScoreSettings, wire

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger, metrics = telemetry.start()
settings = ScoreSettings.read(os.environ)
scorer = wire(settings, metrics)
early.is_over()


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context
def handle(event: dict[str, Any], context: "LambdaContext") -> "PartialItemFailureResponse | None":
    """Scores the photos that an event is about.

    Returns:
        For messages of SQS, those that are to come again.

    Raises:
        ExceptionGroup: photos of a notification could not be scored through faults of ours; Lambda tries again.
    """
    if is_from_queue(event):
        from functions.score.queue import score_messages  # takes a while, and not every function has a queue

        return score_messages(event, context, settings.uploads_bucket, _score)
    progress = _score(find_uploads(object_events(event), settings.uploads_bucket))
    if progress.faults:
        raise ExceptionGroup("uploads could not be scored", list(progress.faults.values()))
    return None


def _score(uploads: list[Upload]) -> Progress:
    start = time.perf_counter()
    progress = scorer.score(uploads)
    if uploads:
        metrics.add_metric("ScoreTime", MetricUnit.Seconds, time.perf_counter() - start)
        metrics.add_metric("ModelTime", MetricUnit.Seconds, progress.model_seconds)
    for name in ("scored", "failed", "missing", "unchanged"):
        metrics.add_metric(f"Photos{name.title()}", MetricUnit.Count, getattr(progress, name))
    metrics.add_metric("PhotosFaulted", MetricUnit.Count, len(progress.faults))
    return progress
