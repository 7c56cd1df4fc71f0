"""An AWS account on this machine, which other processes reach by HTTP: moto's server, with the platform's resources."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal
from urllib.request import Request, urlopen

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

UPLOADS, ARTEFACTS, RESULTS = "uploads", "artefacts", "results"
_REGION: Literal["eu-central-1"] = "eu-central-1"


class _Stopwatch:
    """A WSGI application that notes when it answered."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self.answered: list[tuple[float, float]] = []
        self._application = application

    def __call__(self, *arguments: Any) -> Iterable[bytes]:
        start = time.perf_counter()
        try:
            return self._application(*arguments)
        finally:
            self.answered.append((start, time.perf_counter()))


class _SilentRequests(WSGIRequestHandler):
    def log(self, *_arguments: object) -> None:
        """Says nothing: the tests do."""


@dataclass(frozen=True)
class LocalAws:
    """Where the account is, and clients of it.

    Attributes:
        endpoint: URL of every service.
        s3: a client.
        dynamodb: a client.
        stopwatch: knows when requests were answered.
    """

    endpoint: str
    s3: "S3Client"
    dynamodb: "DynamoDBClient"
    stopwatch: _Stopwatch

    def answering_seconds(self, start: float) -> float:
        """For how long at least one request has been being answered since a moment of `time.perf_counter`."""
        total, until = 0.0, start
        for begin, end in sorted(interval for interval in self.stopwatch.answered if interval[0] >= start):
            total += max(0.0, end - max(begin, until))
            until = max(until, end)
        return total

    def environment(self, store: Path) -> dict[str, str]:
        """The variables that Terraform and Lambda give to functions."""
        return {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": _REGION,
            "AWS_REGION": _REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
            "MEMORABILITY_STORE": str(store),
            "MEMORABILITY_RESULTS_TABLE": RESULTS,
            "MEMORABILITY_UPLOADS_BUCKET": UPLOADS,
            "MEMORABILITY_ARTEFACTS_BUCKET": ARTEFACTS,
            "MEMORABILITY_DEFAULT_ALIAS": "live",
            "MEMORABILITY_KEEP_VERSIONS": "2",
            "MEMORABILITY_RECORD_RETENTION_DAYS": "90",
            "MEMORABILITY_UPLOAD_RETENTION_DAYS": "90",
            "POWERTOOLS_SERVICE_NAME": "memorability",
            "POWERTOOLS_METRICS_NAMESPACE": "Memorability",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "OPENBLAS_NUM_THREADS": "1",
        }

    def put_photo(self, key: str, photo: Path) -> dict[str, Any]:
        """Uploads a photo; returns the notification that S3 would send."""
        self.s3.put_object(Bucket=UPLOADS, Key=key, Body=photo.read_bytes())
        return notification(UPLOADS, key, photo.stat().st_size)

    def records(self) -> dict[str, dict[str, Any]]:
        """Every item of the results table by its sort key, as DynamoDB writes it."""
        return {item["sk"]["S"]: item for item in self.dynamodb.scan(TableName=RESULTS)["Items"]}


def notification(bucket: str, key: str, size: int) -> dict[str, Any]:
    """What S3 sends when an object with a plain key was put."""
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": _REGION,
                "eventTime": "2026-01-01T00:00:00.000Z",
                "eventName": "ObjectCreated:Put",
                "s3": {
                    "bucket": {"name": bucket},
                    "object": {"key": key, "size": size, "sequencer": "0055AED6DCD90281E5"},
                },
            }
        ]
    }


@contextmanager
def local_aws() -> Iterator[LocalAws]:
    """Starts the account, with its buckets and its table."""
    stopwatch = _Stopwatch(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, stopwatch, threaded=True, request_handler=_SilentRequests)
    Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    account: dict[str, Any] = {
        "endpoint_url": endpoint,
        "region_name": _REGION,
        "aws_access_key_id": "testing",
        "aws_secret_access_key": "testing",
    }
    aws = LocalAws(endpoint, boto3.client("s3", **account), boto3.client("dynamodb", **account), stopwatch)
    try:
        for bucket in (UPLOADS, ARTEFACTS):
            aws.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": _REGION})
        aws.dynamodb.create_table(
            TableName=RESULTS,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        yield aws
    finally:
        # moto keeps its accounts for as long as the process lives; the next one begins with none.
        urlopen(Request(f"{endpoint}/moto-api/reset", method="POST")).close()
        server.shutdown()
