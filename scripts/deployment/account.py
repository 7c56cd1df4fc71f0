"""The account that is deployed to, by boto3, and what a deployment asks of it."""

from typing import Any, Protocol, final

import boto3
from botocore.config import Config

from memorability.aws.account import PublicationTable, ResultsTable, UploadsBucket
from memorability.batches import PhotoBucket, RecordTable
from memorability.deployments import Deployment
from model_store.store import ModelStore
from scripts.install_bundle import Bundle, install_bundle
from scripts.publish_model import publish_model

# The publisher installs a bundle while its caller waits; Lambda gives it 15 minutes at most.
_PATIENT = Config(read_timeout=900, retries={"total_max_attempts": 1})


class Account(Protocol):
    """What a deployment needs beside what Terraform makes."""

    def has_publisher(self, outputs: dict[str, Any]) -> bool:
        """Whether there is a function that installs and publishes: not before the first application went through."""

    def install_bundle(self, outputs: dict[str, Any], bundle: Bundle) -> None:
        """Puts the functions' dependencies on the volume; does no harm the second time."""

    def is_published(self, outputs: dict[str, Any], store: ModelStore, ref: str) -> bool:
        """Whether a version of a local store was published to the deployment before."""

    def publish_model(self, outputs: dict[str, Any], store: ModelStore, ref: str) -> None:
        """Publishes a version of a local store and moves `live` to the ensemble with it."""

    def photos(self, deployment: Deployment) -> PhotoBucket:
        """The deployment's uploads bucket."""

    def records(self, deployment: Deployment) -> RecordTable:
        """The deployment's results table."""


@final
class AwsAccount:
    """The `Account` that this process's environment signs in to, in the deployment's region."""

    def has_publisher(self, outputs: dict[str, Any]) -> bool:
        """Whether there is a function that installs and publishes."""
        if not outputs.keys() >= {"artefacts_bucket", "deployment", "functions"}:
            return False
        client = _session(outputs).client("lambda")
        try:
            client.get_function(FunctionName=outputs["functions"]["publish"])
        except client.exceptions.ResourceNotFoundException:
            return False
        return True

    def install_bundle(self, outputs: dict[str, Any], bundle: Bundle) -> None:
        """Puts the functions' dependencies on the volume."""
        session = _session(outputs)
        install_bundle(
            session.client("s3"),
            session.client("lambda", config=_PATIENT),
            outputs["artefacts_bucket"],
            outputs["functions"]["publish"],
            bundle,
        )

    def is_published(self, outputs: dict[str, Any], store: ModelStore, ref: str) -> bool:
        """Whether a version was published before."""
        manifest = store.manifest(ref)
        table = PublicationTable(_session(outputs).client("dynamodb"), outputs["deployment"]["results_table"])
        kept = table.publication(manifest.name, manifest.version)
        return kept is not None and kept.is_published

    def publish_model(self, outputs: dict[str, Any], store: ModelStore, ref: str) -> None:
        """Publishes a version."""
        session = _session(outputs)
        table = outputs["deployment"]["results_table"]
        publish_model(session.client("s3"), session.client("dynamodb"), outputs["artefacts_bucket"], table, store, ref)

    def photos(self, deployment: Deployment) -> PhotoBucket:
        """The uploads bucket."""
        return UploadsBucket(deployment)

    def records(self, deployment: Deployment) -> RecordTable:
        """The results table."""
        return ResultsTable(deployment)


def _session(outputs: dict[str, Any]) -> boto3.Session:
    return boto3.Session(region_name=outputs["deployment"]["region"])  # boto3 does not read AWS_REGION, Terraform does
