"""An AWS account on this machine with the jobs queue, and worker processes that take jobs from it."""

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import boto3
from boto3.dynamodb.types import TypeDeserializer

from model_store.aws.table import Table
from model_store.heatmap_items import HEATMAP_SORT_KEYS
from model_store.heatmaps.jobs import HeatmapJob
from model_store.heatmaps.methods import Method
from model_store.heatmaps.subjects import HeatmapSubject
from model_store.items import Item
from tests.local_aws import RESULTS, UPLOADS, LocalAws, local_aws

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

ROOT = Path(__file__).parents[2]
HEATMAPS, JOBS, FAILURES = "heatmaps", "heatmap-jobs", "heatmap-job-failures"
_REGION: Literal["eu-central-1"] = "eu-central-1"


def job(
    filename: str, tenant: str = "acme", method: Method = Method.GRADCAM, subject: str = "model.first"
) -> HeatmapJob:
    return HeatmapJob(
        tenant=tenant,
        batch="spring",
        filename=filename,
        subject=HeatmapSubject.parse(subject),
        method=method,
        request_id=uuid.uuid4(),
    )


@dataclass(frozen=True)
class WorkerAccount:
    """The account, its queues, and where workers keep what they compile."""

    aws: LocalAws
    sqs: "SQSClient"
    jobs_url: str
    failures_url: str
    folder: Path

    @property
    def table(self) -> Table:
        return Table(self.aws.dynamodb, RESULTS)

    def upload(self, found: HeatmapJob, photo: bytes) -> None:
        self.aws.s3.put_object(Bucket=UPLOADS, Key=str(found.place.upload), Body=photo)

    def send(self, *jobs: HeatmapJob | str) -> None:
        for found in jobs:
            body = found if isinstance(found, str) else found.to_json()
            self.sqs.send_message(QueueUrl=self.jobs_url, MessageBody=body)

    def heatmap(self, key: str) -> bytes:
        return self.aws.s3.get_object(Bucket=HEATMAPS, Key=key)["Body"].read()

    def heatmaps(self) -> dict[str, Item]:
        """Items of all heatmaps, by sort key."""
        pages = self.aws.dynamodb.get_paginator("scan").paginate(TableName=RESULTS, ConsistentRead=True)
        read = TypeDeserializer().deserialize
        found = [{name: read(value) for name, value in item.items()} for page in pages for item in page["Items"]]
        return {item["sk"]: item for item in found if item["sk"].startswith(HEATMAP_SORT_KEYS)}

    def objects(self) -> set[str]:
        """Keys of all objects of heatmaps."""
        pages = self.aws.s3.get_paginator("list_objects_v2").paginate(Bucket=HEATMAPS)
        return {found["Key"] for page in pages for found in page.get("Contents", [])}

    def left(self) -> int:
        """Messages in the jobs queue, hidden ones too."""
        names: list[Any] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes: dict[Any, str] = self.sqs.get_queue_attributes(QueueUrl=self.jobs_url, AttributeNames=names)[
            "Attributes"
        ]
        return sum(int(attributes[name]) for name in names)

    def failures(self) -> dict[str, str]:
        """Reasons by body of what is in the failure queue."""
        found = self.sqs.receive_message(
            QueueUrl=self.failures_url, MaxNumberOfMessages=10, MessageAttributeNames=["reason"]
        )
        return {
            message["Body"]: message["MessageAttributes"]["reason"]["StringValue"]
            for message in found.get("Messages", [])
        }

    def start_worker(self, store: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
        environment = self.aws.environment(store) | {
            "AWS_EC2_METADATA_DISABLED": "true",
            "CACHE_DIRECTORY": str(self.folder / "compiled"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "MEMORABILITY_HEATMAPS_BUCKET": HEATMAPS,
            "MEMORABILITY_HEATMAP_RETENTION_DAYS": "90",
            "MEMORABILITY_JOBS_QUEUE_URL": self.jobs_url,
            "PATH": os.environ["PATH"],
            "POWERTOOLS_SERVICE_NAME": "heatmap-workers",
        }
        return subprocess.Popen([sys.executable, "-m", "gpu_worker"], cwd=ROOT, env=environment, stdout=log, stderr=log)


@contextmanager
def worker_account(folder: Path, visibility_seconds: int, max_receives: int) -> Iterator[WorkerAccount]:
    """Starts the account, with its buckets, table and queues."""
    with local_aws() as aws:
        aws.s3.create_bucket(Bucket=HEATMAPS, CreateBucketConfiguration={"LocationConstraint": _REGION})
        sqs = boto3.client(
            "sqs",
            endpoint_url=aws.endpoint,
            region_name=_REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        failures_url = sqs.create_queue(QueueName=FAILURES)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=failures_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        attributes: dict[Any, str] = {
            "VisibilityTimeout": str(visibility_seconds),
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": max_receives}),
        }
        jobs_url = sqs.create_queue(QueueName=JOBS, Attributes=attributes)["QueueUrl"]
        try:
            yield WorkerAccount(aws, sqs, jobs_url, failures_url, folder)
        finally:
            sqs.close()


def wait_until(
    is_so: Callable[[], bool], seconds: float, complaint: Callable[[], str], *, pause_seconds: float = 0.1
) -> None:
    """Waits for something to come true."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, complaint()
        time.sleep(pause_seconds)
