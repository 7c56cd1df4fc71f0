"""Buckets, a table and a store of tiny models, and the handlers over them as a new container imports them."""

import importlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto import mock_aws

from model_store.aws.table import Table
from model_store.items import Item
from model_store.store import ModelStore
from tests.integration.calls import ARTEFACTS, REGION, RESULTS, UPLOADS
from tests.unit.conftest import published, store

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

__all__ = ["published", "store"]

# What a new container imports anew: modules that read the environment or hold what belongs to one process.
_PER_PROCESS = (
    "functions.telemetry",
    "functions.score.handler",
    "functions.api.handler",
    "functions.publish.handler",
    "functions.publish.models",
)

type ColdStart = Callable[[str], ModuleType]
type Items = Callable[[], list[Item]]


@pytest.fixture
def environment(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment of both functions."""
    variables = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_MAX_ATTEMPTS": "1",
        "MEMORABILITY_STORE": str(store.root),
        "MEMORABILITY_RESULTS_TABLE": RESULTS,
        "MEMORABILITY_UPLOADS_BUCKET": UPLOADS,
        "MEMORABILITY_ARTEFACTS_BUCKET": ARTEFACTS,
        "MEMORABILITY_KEEP_VERSIONS": "2",
        "MEMORABILITY_RECORD_RETENTION_DAYS": "90",
        "MEMORABILITY_UPLOAD_RETENTION_DAYS": "90",
        "POWERTOOLS_SERVICE_NAME": "score",
        "POWERTOOLS_METRICS_NAMESPACE": "Memorability",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def aws(environment: pytest.MonkeyPatch) -> Iterator[None]:
    """An AWS account with the buckets and the table."""
    with mock_aws():
        boto3.setup_default_session()
        for bucket in (UPLOADS, ARTEFACTS):
            boto3.client("s3").create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
            )
        boto3.client("dynamodb").create_table(
            TableName=RESULTS,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        yield


@pytest.fixture
def s3(aws: None) -> "S3Client":
    return boto3.client("s3")


@pytest.fixture
def dynamodb(aws: None) -> "DynamoDBClient":
    return boto3.client("dynamodb")


@pytest.fixture
def table(dynamodb: "DynamoDBClient") -> Table:
    """The results table, as the functions use it."""
    return Table(dynamodb, RESULTS)


@pytest.fixture
def items(dynamodb: "DynamoDBClient", table: Table) -> Items:
    """Reads every item of the results table, sorted by key."""

    def read() -> list[Item]:
        keys = sorted((item["pk"]["S"], item["sk"]["S"]) for item in dynamodb.scan(TableName=RESULTS)["Items"])
        found = [table.get({"pk": pk, "sk": sk}) for pk, sk in keys]
        return [item for item in found if item]

    return read


@pytest.fixture
def cold_start(aws: None) -> ColdStart:
    """Imports a handler's module as a new container does."""

    def start(name: str) -> ModuleType:
        for module in _PER_PROCESS:
            sys.modules.pop(module, None)
        return importlib.import_module(name)

    return start


class Trouble:
    """Answers some of the calls of AWS with an error; once it is over, all of them pass again."""

    def __init__(self, status: int, code: str, marker: str, calls_before: int) -> None:
        self.is_over = False
        self.refused = 0
        self._status, self._code, self._marker, self._calls_before = status, code, marker, calls_before

    def answer(self, params: dict[str, Any], **_: object) -> tuple[AWSResponse, dict[str, Any]] | None:
        if self.is_over or self._marker not in f"{params['url_path']} {params['body']!r}":
            return None
        if self._calls_before:
            self._calls_before -= 1
            return None
        self.refused += 1
        parsed = {"Error": {"Code": self._code, "Message": "trouble"}, "ResponseMetadata": {}}
        return AWSResponse(params["url"], self._status, HTTPHeaders(), None), parsed


@pytest.fixture
def trouble(aws: None) -> Callable[..., Trouble]:
    """Makes AWS answer an operation, such as `dynamodb.PutItem`, or all of them, with an error.

    It concerns clients that are made afterwards, and of their calls those that hold `marker`, after `calls_before`.
    """

    def start(operation: str, status: int, code: str, marker: str = "", calls_before: int = 0) -> Trouble:
        trouble = Trouble(status, code, marker, calls_before)
        event = f"before-call.{operation}" if operation else "before-call"
        events: Any = boto3._get_default_session().events
        events.register_first(event, trouble.answer)
        return trouble

    return start
