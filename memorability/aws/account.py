"""A deployment's buckets and table, by boto3."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError

from memorability.batches import PARALLEL_UPLOADS
from memorability.deployments import Deployment
from memorability.publishing import Destination, KeptPublication
from model_store.errors import MemorabilityError
from model_store.items import PHOTO_SORT_KEYS, PhotoRecord, partition_key, photo_record
from model_store.publications import Publication, PublicationStatus, publication_item_key
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
        with _explained(f"the table {self._name} cannot be read"):
            items = [item for page in pages for item in page["Items"]]
        return [record for record in map(photo_record, map(_plain, items)) if record]


@final
class ArtefactsBucket:
    """The bucket of `memorability.publishing` in a deployment."""

    def __init__(self, client: "S3Client", name: str) -> None:
        self._client = client
        self._name = name

    def upload(self, key: str, file: Path, on_bytes: Callable[[int], None]) -> None:
        """Uploads a file, in parts where it is large."""
        with _explained(f"{file} cannot be uploaded to s3://{self._name}"):
            self._client.upload_file(str(file), self._name, key, Callback=on_bytes)

    def put(self, key: str, body: bytes) -> str | None:
        """Puts an object."""
        with _explained(f"{key} cannot be put into s3://{self._name}"):
            return self._client.put_object(Bucket=self._name, Key=key, Body=body).get("VersionId")


@final
class PublicationTable:
    """The table of `memorability.publishing` in a deployment."""

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self._name = name

    def publication(self, name: str, version: str) -> KeptPublication | None:
        """What the publisher last said of a version."""
        key = {part: TypeSerializer().serialize(value) for part, value in publication_item_key(name, version).items()}
        with _explained(f"the table {self._name} cannot be read"):
            found = self._client.get_item(TableName=self._name, Key=key, ConsistentRead=True).get("Item")
        if not found:
            return None
        item = _plain(found)
        said = {word: item.get(word) for word in ("ensemble", "alias", "error")}
        return KeptPublication(Publication(PublicationStatus(item["status"]), **said), item.get("object_version"))


def destination_of(deployment: Deployment) -> Destination:
    """Where models of a deployment are published.

    Raises:
        DeploymentFileError: its file does not name the artefacts bucket.
    """
    session, options = _session(deployment), _options(deployment)
    bucket = ArtefactsBucket(session.client("s3", **options), deployment.require_artefacts_bucket())
    return Destination(bucket, PublicationTable(session.client("dynamodb", **options), deployment.results_table))


def _plain(item: Any) -> dict[str, Any]:
    """An item's attributes as Python has them."""
    deserialize = TypeDeserializer().deserialize
    return {name: deserialize(value) for name, value in item.items()}


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
    except (BotoCoreError, Boto3Error, ClientError) as error:
        raise AwsError(f"{failure}: {error}") from error
