"""Publishes a model of a local store to a deployment.

    python -m scripts.publish_model MODEL[@VERSION] --artefacts-bucket B --results-table T
        [--store build/store] [--ensemble default] [--alias live] [--timeout 900]

The version's files go to the artefacts bucket, its manifest last; the publisher verifies, compiles and tries them, and
this command waits for its word. Region, credentials and endpoint come from the environment, as with the AWS CLI.
"""

import argparse
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from functions.publish.requests import PublicationRequest
from model_store.errors import MemorabilityError
from model_store.store import ModelStore
from model_store.store.layout import MANIFEST_FILE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

TIMEOUT_SECONDS = 900.0
_POLL_SECONDS = 0.5


class PublicationError(MemorabilityError):
    """A model was refused, or the publisher does not answer."""


@dataclass(frozen=True)
class Wishes:
    """What is to become of a version.

    Attributes:
        ensemble: that it joins, in place of the model's other versions.
        alias: that is then moved to the ensemble.
    """

    ensemble: str = "default"
    alias: str = "live"


def publish_model(
    s3: "S3Client",
    dynamodb: "DynamoDBClient",
    bucket: str,
    table: str,
    store: ModelStore,
    ref: str,
    wishes: Wishes = Wishes(),
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> dict[str, Any]:
    """Uploads a version and waits until the publisher has dealt with it.

    Args:
        s3: a client.
        dynamodb: a client.
        bucket: the artefacts bucket.
        table: the results table, in which the publisher writes what became of it.
        store: where the version is taken from.
        ref: `name@version`, or the name of its newest version.
        wishes: what is to become of it.
        timeout_seconds: how long to wait.

    Returns:
        The publisher's record, with its attributes as DynamoDB writes them.

    Raises:
        PublicationError: it was refused, or nothing was heard in time.
    """
    manifest = store.manifest(ref)
    request = PublicationRequest(**manifest.model_dump(), ensemble=wishes.ensemble, alias=wishes.alias)
    prefix, folder = f"models/{request.name}/{request.version}", store.path(manifest.ref)
    for name in request.files:
        s3.upload_file(str(folder / name), bucket, f"{prefix}/{name}")
    uploaded = s3.put_object(Bucket=bucket, Key=f"{prefix}/{MANIFEST_FILE}", Body=request.model_dump_json().encode())
    key = {"pk": {"S": f"PUBLICATION#{request.name}"}, "sk": {"S": request.version}}
    record = _wait_for_record(dynamodb, table, key, uploaded["VersionId"], timeout_seconds)
    if record["status"]["S"] != "published":
        raise PublicationError(f"{manifest.ref} was {record['status']['S']}: {record['error'].get('S')}")
    return record


def _wait_for_record(
    dynamodb: "DynamoDBClient", table: str, key: dict[str, Any], object_version: str, timeout_seconds: float
) -> dict[str, Any]:
    """The record of this very upload, once it is settled: an interrupted publication is tried again."""
    deadline = time.monotonic() + timeout_seconds
    record: dict[str, Any] = {}
    while time.monotonic() < deadline:
        record = dict(dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {}))
        if record.get("object_version") == {"S": object_version} and record["status"]["S"] != "interrupted":
            return record
        time.sleep(_POLL_SECONDS)
    last = f"; the last thing it said: {record}" if record else ""
    raise PublicationError(
        f"The publisher did not settle {key['pk']['S']} {key['sk']['S']} within {timeout_seconds:g} s: see its log"
        f" and its failure queue{last}"
    )


def main() -> int:
    """Publishes the model and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="NAME or NAME@VERSION")
    parser.add_argument("--artefacts-bucket", required=True)
    parser.add_argument("--results-table", required=True)
    parser.add_argument("--store", type=Path, default=Path(os.environ.get("MEMORABILITY_STORE") or "build/store"))
    parser.add_argument("--ensemble", default=Wishes.ensemble)
    parser.add_argument("--alias", default=Wishes.alias)
    parser.add_argument("--timeout", type=float, default=TIMEOUT_SECONDS, help="seconds to wait")
    arguments = parser.parse_args()
    try:
        record = publish_model(
            boto3.client("s3"),
            boto3.client("dynamodb"),
            arguments.artefacts_bucket,
            arguments.results_table,
            ModelStore(arguments.store),
            arguments.model,
            Wishes(arguments.ensemble, arguments.alias),
            arguments.timeout,
        )
    except MemorabilityError as error:
        print(error, file=sys.stderr)
        return 1
    if "S" in record["alias"]:
        print(f"{arguments.model} is published; {record['alias']['S']} is {record['ensemble']['S']}")
    else:
        print(f"{arguments.model} is published; a later upload of the model serves in its place")
    return 0


if __name__ == "__main__":
    sys.exit(main())
