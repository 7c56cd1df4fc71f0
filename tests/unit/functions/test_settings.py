"""What the environment says, and what it lacks."""

from datetime import timedelta

import pytest

from functions.api.wiring import ApiSettings, terms
from functions.publish.settings import BundleSettings, BundleSettingsError
from functions.publish.wiring import PublishSettings
from functions.score.wiring import ScoreSettings
from model_store.settings import SettingsError

SCORE = {
    "MEMORABILITY_STORE": "/mnt/store",
    "MEMORABILITY_RESULTS_TABLE": "results",
    "MEMORABILITY_UPLOADS_BUCKET": "uploads",
    "MEMORABILITY_RECORD_RETENTION_DAYS": "90",
}
API = SCORE | {"MEMORABILITY_HEATMAPS_BUCKET": "heatmaps", "MEMORABILITY_UPLOAD_RETENTION_DAYS": "90"}
PUBLISH = {
    "MEMORABILITY_STORE": "/mnt/store",
    "MEMORABILITY_ARTEFACTS_BUCKET": "artefacts",
    "MEMORABILITY_KEEP_VERSIONS": "3",
}


def test_settings_are_read_and_others_left_alone() -> None:
    settings = ScoreSettings.read(SCORE | {"PATH": "/bin", "MEMORABILITY_MAX_IMAGE_BYTES": "1000"})

    assert (settings.record_retention_days, settings.max_image_bytes, settings.default_alias) == (90, 1000, "live")
    assert settings.max_image_pixels == 50_000_000


@pytest.mark.parametrize(("records", "uploads", "days"), [(365, 90, 90), (30, 90, 30)])
def test_a_batch_is_kept_until_its_photos_or_their_records_go(records: int, uploads: int, days: int) -> None:
    retention = {
        "MEMORABILITY_RECORD_RETENTION_DAYS": str(records),
        "MEMORABILITY_UPLOAD_RETENTION_DAYS": str(uploads),
    }
    assert terms(ApiSettings.read(API | retention)).retention == timedelta(days=days)


def test_every_fault_is_told_at_once() -> None:
    environment = SCORE | {"MEMORABILITY_MAX_IMAGE_BYTES": "25 MB", "MEMORABILITY_UPLOADS_BUCKET": ""}
    del environment["MEMORABILITY_RESULTS_TABLE"]

    with pytest.raises(SettingsError) as raised:
        ScoreSettings.read(environment)

    for name in ("MAX_IMAGE_BYTES", "UPLOADS_BUCKET", "RESULTS_TABLE"):
        assert f"MEMORABILITY_{name}: " in str(raised.value)


def test_both_readers_of_the_publishers_environment_agree() -> None:
    environment = PUBLISH | {"MEMORABILITY_RESULTS_TABLE": "results", "PYTHONPATH": "/mnt/store/runtime/abc:/opt"}

    full, early = PublishSettings.read(environment), BundleSettings.read(environment)

    assert (full.store / "runtime", full.artefacts_bucket, full.keep_versions) == (
        early.runtime,
        early.artefacts_bucket,
        early.keep,
    )
    assert "abc" in early.in_use


def test_the_early_reader_tells_every_fault_at_once() -> None:
    with pytest.raises(BundleSettingsError) as raised:
        BundleSettings.read({"MEMORABILITY_KEEP_VERSIONS": "0"})

    assert "STORE is not set; MEMORABILITY_ARTEFACTS_BUCKET is not set" in str(raised.value)
    assert "MEMORABILITY_KEEP_VERSIONS is '0'" in str(raised.value)
