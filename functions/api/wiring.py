"""Puts the API together from what its environment says."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from functions.api.app import Api
from functions.api.batches import Batches, Terms
from functions.api.catalogue import Catalogue
from functions.api.heatmaps import Heatmaps
from functions.api.photos import Photos
from functions.api.services import Services
from functions.aws.batch_objects import BatchObjects
from functions.aws.batch_table import DynamoBatchTable
from functions.aws.clients import dynamodb_client, signing_s3_client, sqs_client
from functions.aws.jobs import SqsJobQueue
from functions.aws.links import SignedLinks
from model_store.images.limits import DEFAULT_LIMITS
from model_store.settings import Count, Settings, Text
from model_store.store import ModelStore


class ApiSettings(Settings):
    """Settings of the API; without a queue, nobody makes heatmaps."""

    store: Path
    results_table: Text
    uploads_bucket: Text
    heatmaps_bucket: Text
    jobs_queue_url: Text | None = None
    default_alias: Text = "live"
    max_image_bytes: Count = DEFAULT_LIMITS.max_bytes
    record_retention_days: Count
    upload_retention_days: Count


def wire(settings: ApiSettings) -> Api:
    """The API with its adapters."""
    table, s3 = DynamoBatchTable(dynamodb_client(), settings.results_table), signing_s3_client()
    links = SignedLinks(s3, settings.uploads_bucket, settings.heatmaps_bucket)
    objects = BatchObjects(s3, settings.uploads_bucket, settings.heatmaps_bucket)
    queue = SqsJobQueue(sqs_client(), settings.jobs_queue_url) if settings.jobs_queue_url else None
    catalogue = Catalogue(ModelStore(settings.store), settings.default_alias)
    return Api(
        Services(
            batches=Batches(table, links, objects, catalogue, terms(settings), _now),
            photos=Photos(table, links, _now),
            heatmaps=Heatmaps(table, queue, catalogue, _now),
            catalogue=catalogue,
        )
    )


def terms(settings: ApiSettings) -> Terms:
    """The terms of batches: one is kept until the first of what it consists of, photos or records, goes."""
    days = min(settings.record_retention_days, settings.upload_retention_days)
    return Terms(timedelta(days=days), settings.max_image_bytes)


def _now() -> datetime:
    return datetime.now(UTC)
