"""Puts the publisher of models together from what its environment says; needs the bundle of dependencies."""

from pathlib import Path

from functions.aws.clients import dynamodb_client, s3_client
from functions.publish.publisher import Publisher
from model_store.aws.objects import Objects
from model_store.aws.table import Table
from model_store.runtime.compiling import compile_for_fleet
from model_store.settings import Count, Settings, Text
from model_store.store import ModelStore


class PublishSettings(Settings):
    """Settings of the publisher."""

    store: Path
    artefacts_bucket: Text
    results_table: Text
    keep_versions: Count


def wire(settings: PublishSettings) -> Publisher:
    """The publisher with its adapters."""
    return Publisher(
        artefacts=Objects(s3_client(), settings.artefacts_bucket),
        publications=Table(dynamodb_client(), settings.results_table),
        store=ModelStore(settings.store),
        compile_version=compile_for_fleet,
        keep_versions=settings.keep_versions,
    )
