"""The queue of jobs in SQS, and the failure queue that its redrive policy names."""

import json
import logging
import time
from collections.abc import Collection
from typing import TYPE_CHECKING, final

from botocore.exceptions import BotoCoreError, ClientError

from gpu_worker.ports import Message

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

logger = logging.getLogger(__name__)

REASON = "reason"
# SQS takes 1 MiB with all attributes; what is wrong with a job is in the first sentences.
MAX_REASON_CHARACTERS = 2000


@final
class SqsQueue:
    """The `JobQueue` of SQS; raises `ClientError` where SQS refuses.

    Attributes:
        visibility_seconds: the queue's visibility timeout.
        max_receives: from its redrive policy.
    """

    def __init__(self, client: "SQSClient", url: str) -> None:
        """Asks for the queue's attributes.

        Args:
            client: of the queue's region.
            url: the queue.
        """
        self._client = client
        self._url = url
        attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout", "RedrivePolicy"])[
            "Attributes"
        ]
        redrive = json.loads(attributes.get("RedrivePolicy", "{}"))
        self.visibility_seconds = int(attributes["VisibilityTimeout"])
        self.max_receives = int(redrive["maxReceiveCount"]) if redrive else None
        self._failures_url = _neighbour(url, redrive["deadLetterTargetArn"]) if redrive else None

    def receive(self, limit: int, wait_seconds: int) -> list[Message]:
        """Takes messages, as `gpu_worker.ports.JobQueue` says."""
        answer = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=limit,
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
        )
        return [_message(found) for found in answer.get("Messages", [])]

    def hide(self, messages: Collection[Message], seconds: int) -> None:
        """Keeps messages from others for so long; one that SQS refuses, because it is gone, keeps no other from it."""
        for message in messages:
            try:
                self._client.change_message_visibility(
                    QueueUrl=self._url, ReceiptHandle=message.receipt, VisibilityTimeout=seconds
                )
            except (ClientError, BotoCoreError) as error:  # above all, of one that was deleted a moment ago
                logger.info("message %s cannot be hidden for %d s: %s", message.message_id, seconds, error)

    def delete(self, message: Message) -> None:
        """Removes a message."""
        self._client.delete_message(QueueUrl=self._url, ReceiptHandle=message.receipt)

    def refuse(self, message: Message, reason: str) -> None:
        """Moves a message to the failure queue, where there is one; without one it is removed."""
        if self._failures_url:
            self._client.send_message(
                QueueUrl=self._failures_url,
                MessageBody=message.body,
                MessageAttributes={
                    REASON: {"DataType": "String", "StringValue": reason[:MAX_REASON_CHARACTERS] or "unknown"}
                },
            )
        self.delete(message)


def _message(found: "MessageTypeDef") -> Message:
    attributes = found.get("Attributes", {})
    sent_at = int(attributes.get("SentTimestamp", time.time() * 1000)) / 1000
    return Message(
        message_id=found["MessageId"],
        receipt=found["ReceiptHandle"],
        body=found["Body"],
        receives=int(attributes.get("ApproximateReceiveCount", 1)),
        age_seconds=max(0.0, time.time() - sent_at),
    )


def _neighbour(url: str, arn: str) -> str:
    """URL of a queue of the same account and region: theirs differ in the name alone."""
    return f"{url.rpartition('/')[0]}/{arn.rpartition(':')[2]}"
