"""Heatmaps that the scoring function makes of the photos of a batch that asks for them."""

from typing import TYPE_CHECKING

import pytest

from model_store.aws.table import Table
from model_store.heatmap_items import HEATMAP_SORT_KEYS, stored_heatmap
from model_store.heatmaps.maps import PhotoMap
from model_store.heatmaps.records import DoneHeatmap
from model_store.items import batch_item_key
from model_store.uploads import BatchKey
from tests.integration.calls import UPLOADS, Context, load_event, photo
from tests.integration.conftest import ColdStart, Items

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

HEATMAPS = "heatmaps"


def test_a_batch_that_asks_for_previews_gets_them_with_its_scores(
    environment: pytest.MonkeyPatch, cold_start: ColdStart, s3: "S3Client", table: Table, items: Items
) -> None:
    environment.setenv("MEMORABILITY_HEATMAPS_BUCKET", HEATMAPS)
    s3.create_bucket(Bucket=HEATMAPS, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket=UPLOADS, Key="uploads/acme/spring/beach.jpg", Body=photo())
    table.put_newer(batch_item_key(BatchKey("acme", "spring")) | {"preview_heatmaps": True, "event_order": "0"})

    cold_start("functions.score.handler").handle(load_event("s3_put"), Context())

    kept = [stored_heatmap(item) for item in items() if item["sk"].startswith(HEATMAP_SORT_KEYS)]
    records = [heatmap.record for heatmap in kept if heatmap]
    assert {record.subject.slug for record in records} == {
        "ensemble.default@1.hit_rate",
        "ensemble.default@1.false_alarm_rate",
    }
    for record in records:
        assert isinstance(record, DoneHeatmap)
        overlay, data = (
            s3.get_object(Bucket=HEATMAPS, Key=key)["Body"].read() for key in (record.overlay_key, record.map_key)
        )
        assert overlay.startswith(b"\x89PNG")
        assert PhotoMap.from_npz(data)[0].values.std() > 0
