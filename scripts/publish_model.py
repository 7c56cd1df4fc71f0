"""Publishes a model of a local store to a deployment.

    python -m scripts.publish_model MODEL[@VERSION] --artefacts-bucket B --results-table T
        [--store build/store] [--ensemble default] [--alias live] [--timeout 900]

The version's files go to the artefacts bucket, its manifest last; the publisher verifies, compiles and tries them, and
this command waits for its word. Region, credentials and endpoint come from the environment, as with the AWS CLI.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from memorability.aws.account import ArtefactsBucket, PublicationTable
from memorability.publishing import SERVED_LIVE, TIMEOUT_SECONDS, Destination, Wishes, publish_version
from model_store.errors import MemorabilityError
from model_store.publications import Publication
from model_store.store import ModelStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client


def publish_model(
    s3: "S3Client",
    dynamodb: "DynamoDBClient",
    bucket: str,
    table: str,
    store: ModelStore,
    ref: str,
    wishes: Wishes = SERVED_LIVE,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Publication:
    """Publishes a version by clients of the caller's; see `memorability.publishing.publish_version`."""
    destination = Destination(ArtefactsBucket(s3, bucket), PublicationTable(dynamodb, table))
    return publish_version(destination, store, ref, wishes, lambda *_step: None, timeout_seconds)


def main() -> int:
    """Publishes the model and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="NAME or NAME@VERSION")
    parser.add_argument("--artefacts-bucket", required=True)
    parser.add_argument("--results-table", required=True)
    parser.add_argument("--store", type=Path, default=Path(os.environ.get("MEMORABILITY_STORE") or "build/store"))
    parser.add_argument("--ensemble", default=SERVED_LIVE.ensemble)
    parser.add_argument("--alias", default=SERVED_LIVE.alias)
    parser.add_argument("--timeout", type=float, default=TIMEOUT_SECONDS, help="seconds to wait")
    arguments = parser.parse_args()
    try:
        publication = publish_model(
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
    if publication.alias:
        print(f"{arguments.model} is published; {publication.alias} is {publication.ensemble}")
    else:
        print(f"{arguments.model} is published; a later upload of the model serves in its place")
    return 0


if __name__ == "__main__":
    sys.exit(main())
