"""What the worker's environment says."""

from pathlib import Path

from model_store.images import DEFAULT_LIMITS
from model_store.settings import Count, Settings, Text


class WorkerSettings(Settings):
    """Settings of the worker; the last two are there only where it runs in an auto scaling group."""

    store: Path
    jobs_queue_url: Text
    uploads_bucket: Text
    heatmaps_bucket: Text
    results_table: Text
    heatmap_retention_days: Count
    max_image_bytes: Count = DEFAULT_LIMITS.max_bytes
    max_image_pixels: Count = DEFAULT_LIMITS.max_pixels
    autoscaling_group: Text | None = None
    termination_hook: Text | None = None
