"""A deployment's bucket and table, by boto3."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import boto3
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError

from memorability.batches import PARALLEL_UPLOADS
from memorability.deployments import Deployment
from model_store.errors import MemorabilityError
from model_store.items import PHOTO_SORT_KEYS, PhotoRecord, partition_key, photo_record
from model_store.uploads import BatchKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

_CONFIG = Config(
    connect_timeout=5,
    read_timeout=60,
    max_pool_connections=PARALLEL_UPLOADS,
    retries={"mode": "standard", "total_max_attempts": 6},  # with growing pauses, some 15 s of trouble
)

_LOCAL_CREDENTIAL = "test"  # an emulator is never given a person's own


class AwsError(MemorabilityError):
    """AWS cannot be reached, or refuses; the message says what to do."""


@final
class UploadsBucket:
    """The `PhotoBucket` of a deployment."""

    def __init__(self, deployment: Deployment) -> None:
        self._client: S3Client = _session(deployment).client("s3", **_options(deployment))
        self._name = deployment.uploads_bucket

    def put(self, key: str, photo: Path) -> str | None:
        """Uploads a file, as `memorability.batches.PhotoBucket` says."""
        with photo.open("rb") as file, _explained(f"{photo} cannot be uploaded to s3://{self._name}"):
            return self._client.put_object(Bucket=self._name, Key=key, Body=file).get("VersionId")


@final
class ResultsTable:
    """The `RecordTable` of a deployment."""

    def __init__(self, deployment: Deployment) -> None:
        self._client: DynamoDBClient = _session(deployment).client("dynamodb", **_options(deployment))
        self._name = deployment.results_table

    def records(self, batch: BatchKey) -> list[PhotoRecord]:
        """Every record of a batch, in the order of filenames."""
        values: Any = {":batch": {"S": partition_key(batch)}, ":photos": {"S": PHOTO_SORT_KEYS}}
        pages = self._client.get_paginator("query").paginate(
            TableName=self._name,
            KeyConditionExpression="pk = :batch AND begins_with(sk, :photos)",
            ExpressionAttributeValues=values,
        )
        deserialize = TypeDeserializer().deserialize
        with _explained(f"the table {self._name} cannot be read"):
            items = [item for page in pages for item in page["Items"]]
        plain = ({name: deserialize(value) for name, value in item.items()} for item in items)
        return [record for record in map(photo_record, plain) if record]


def _session(deployment: Deployment) -> boto3.Session:
    key = _LOCAL_CREDENTIAL if deployment.is_local else None
    return boto3.Session(region_name=deployment.region, aws_access_key_id=key, aws_secret_access_key=key)


def _options(deployment: Deployment) -> dict[str, Any]:
    return {"endpoint_url": deployment.endpoint_url, "config": _CONFIG}


@contextmanager
def _explained(failure: str) -> Iterator[None]:
    try:
        yield
    except NoCredentialsError as error:
        raise AwsError(
            f"{failure}: there are no AWS credentials; set AWS_PROFILE, or sign in with the AWS CLI."
        ) from error
    except EndpointConnectionError as error:
        raise AwsError(f"{failure}: {error} Check that the deployment runs and that this machine is online.") from error
    except (BotoCoreError, ClientError) as error:
        raise AwsError(f"{failure}: {error}") from error
