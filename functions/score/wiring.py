"""Puts the scoring function together from what its environment says."""

import logging
import os
from datetime import timedelta
from functools import cache
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from aws_lambda_powertools import Metrics

from functions.score.scorer import Rules, UploadScorer
from functions.score.thumbnails import Thumbnails
from functions.telemetry import ServingMetrics
from model_store.images import DEFAULT_LIMITS, ImageLimits
from model_store.runtime.serving import EnsembleServer
from model_store.settings import Count, Settings, Text
from model_store.store import ModelStore

if TYPE_CHECKING:
    from functions.score.previews import Previews

logger = logging.getLogger(__name__)

# Lambda ends an initialisation after 10 s and repeats it within the first call (developer guide, "Lambda execution
# environment"). What is not loaded by then goes on loading in its thread, and the first call waits for it.
LOAD_AHEAD_SECONDS = 6.0
# A container that starts because a call is waiting does not wait here: it fetches and decodes the photo meanwhile.
ON_DEMAND = "on-demand"


class ScoreSettings(Settings):
    """Settings of the scoring function."""

    store: Path
    results_table: Text
    uploads_bucket: Text
    heatmaps_bucket: Text | None = None  # without it, there are no thumbnails and no previews of heatmaps
    default_alias: Text = "live"
    max_image_bytes: Count = DEFAULT_LIMITS.max_bytes
    max_image_pixels: Count = DEFAULT_LIMITS.max_pixels
    record_retention_days: Count
    heatmap_retention_days: Count | None = None  # as long as records


def wire(settings: ScoreSettings, metrics: Metrics) -> UploadScorer:
    """The function's logic with its adapters; the ensemble is loaded, or being loaded, when this returns."""
    told = ServingMetrics(metrics)
    ensembles = EnsembleServer(ModelStore(settings.store), on_load=told.on_load, on_refusal=told.on_refusal)
    loading = Thread(target=_load_ahead, args=(ensembles, settings.default_alias), daemon=True)
    loading.start()
    # Importing boto3 takes as long as reading an ensemble does, so the one goes on beside the other.
    from functions.aws.clients import dynamodb_client, s3_client
    from model_store.aws.objects import Objects
    from model_store.aws.table import Table

    rules = Rules(
        limits=ImageLimits(settings.max_image_bytes, settings.max_image_pixels),
        default_ensemble=settings.default_alias,
        retention=timedelta(days=settings.record_retention_days),
        heatmap_retention=timedelta(days=settings.heatmap_retention_days or settings.record_retention_days),
    )
    s3, results = s3_client(), Table(dynamodb_client(), settings.results_table)
    photos = Objects(s3, settings.uploads_bucket)
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") != ON_DEMAND:
        loading.join(LOAD_AHEAD_SECONDS)
    if not settings.heatmaps_bucket:
        return UploadScorer(photos, results, ensembles, rules)
    pictures = Objects(s3, settings.heatmaps_bucket)

    @cache
    def previews() -> "Previews":
        from functions.score.previews import Previews  # what draws is imported where a batch asks for heatmaps

        return Previews(pictures, results)

    return UploadScorer(photos, results, ensembles, rules, thumbnails=Thumbnails(pictures), previews=previews)


def _load_ahead(ensembles: EnsembleServer, ref: str) -> None:
    try:
        ensembles.get(ref)
    except Exception:  # a failing initialisation would be repeated for ever; the first call tries again and says why
        logger.exception("%s could not be loaded ahead of the first call", ref)
