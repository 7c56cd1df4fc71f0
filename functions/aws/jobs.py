"""The queue of the heatmap workers."""

import hashlib
from collections.abc import Sequence
from itertools import batched
from typing import TYPE_CHECKING, Any, final

from model_store.heatmaps.jobs import HeatmapJob

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MAX_MESSAGES = 10  # of a request: API reference, "SendMessageBatch"


class RefusedJobsError(Exception):
    """SQS did not take every job."""


@final
class SqsJobQueue:
    """The `JobQueue` of SQS; raises `ClientError` where SQS refuses a request as a whole."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def send(self, jobs: Sequence[HeatmapJob]) -> None:
        """Sends jobs, each tenant's in a group of its own; raises `RefusedJobsError` where some are not taken."""
        for some in batched(jobs, MAX_MESSAGES, strict=False):
            entries: Any = [
                {"Id": str(number), "MessageBody": job.to_json(), "MessageGroupId": _group(job.tenant)}
                for number, job in enumerate(some)
            ]
            answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
            if failed := answer.get("Failed"):
                raise RefusedJobsError(f"{len(failed)} jobs were not taken: {failed[0]}")


def _group(tenant: str) -> str:
    """A tenant's group; SQS takes ASCII letters, digits and punctuation only, and tenants may have other characters."""
    return hashlib.sha256(tenant.encode()).hexdigest()
