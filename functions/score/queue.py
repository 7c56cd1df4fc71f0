"""Messages of SQS that wrap notifications of S3: scored together, answered one by one."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from functions.events import Event, MalformedEventError, object_events, queued_notification
from functions.score.progress import Progress
from functions.score.uploads import Upload, find_uploads

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

type Score = Callable[[list[Upload]], Progress]


def score_messages(
    event: dict[str, Any], context: "LambdaContext", bucket: str, score: Score
) -> "PartialItemFailureResponse":
    """Scores the photos of all messages in one go; the answer names those messages that SQS must bring again.

    Args:
        event: the messages.
        context: of this call.
        bucket: where uploads lie.
        score: scores uploads.

    Raises:
        BatchProcessingError: every message failed.
    """
    messages = {record["messageId"]: _read(record, bucket) for record in event["Records"]}
    progress = score([upload for uploads in messages.values() if isinstance(uploads, list) for upload in uploads])

    def settle(record: "SQSRecord") -> None:
        uploads = messages[record.message_id]
        if isinstance(uploads, MalformedEventError):
            raise uploads
        for upload in uploads:
            if upload in progress.faults:
                raise progress.faults[upload]

    return process_partial_response(event, settle, BatchProcessor(EventType.SQS), context)


def _read(record: Event, bucket: str) -> list[Upload] | MalformedEventError:
    try:
        return find_uploads(object_events(queued_notification(record["body"])), bucket)
    except MalformedEventError as error:
        return error
