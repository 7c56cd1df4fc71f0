"""What each kind of event does, through the handler: a record, a failed record, a log line, or another try."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from functions.events import MalformedEventError
from model_store.aws.table import Table
from model_store.items import item_record
from model_store.runtime.ensembles import EnsembleSpec
from model_store.runtime.scoring import Photo, Scorer
from model_store.store import ModelStore
from tests.integration.calls import UPLOADS, Context, load_event, metrics_in, photo
from tests.integration.conftest import ColdStart, Items, Trouble

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BEACH = "uploads/acme/spring/beach.jpg"

type Handle = Callable[[dict[str, Any]], Any]


@pytest.fixture
def handle(cold_start: ColdStart) -> Handle:
    handler = cold_start("functions.score.handler")
    return lambda event: handler.handle(event, Context())


def record_of_the_command(store: ModelStore, name: str, data: bytes, ensemble: str = "live") -> str:
    """What `memorability score --json` prints of a photo."""
    (record,) = Scorer(EnsembleSpec.of_ensemble(store, ensemble)).score([Photo(name, lambda: data)])
    return record.to_json()


@pytest.mark.parametrize("event", ["s3_put", "s3_post", "s3_copy", "s3_complete_multipart_upload"])
def test_every_way_to_upload_gives_the_record_of_the_command(
    event: str, handle: Handle, s3: "S3Client", items: Items, store: ModelStore
) -> None:
    s3.put_object(Bucket=UPLOADS, Key=BEACH, Body=photo())

    assert handle(load_event(event)) is None

    (item,) = items()
    assert item_record(item).to_json() == record_of_the_command(store, "beach.jpg", photo())
    assert (item["pk"], item["sk"]) == ("TENANT#acme#BATCH#spring", "PHOTO#beach.jpg#ENSEMBLE#default")
    assert "tenant" not in item, "the index by tenant lists batches, not photos"
    assert int(item["expires_at"]) > 0


@pytest.mark.parametrize(
    ("event", "tenant", "batch", "filename"),
    [
        ("s3_put_spaces_and_plus", "acme", "spring", "café am Meer + Hund (1).jpg"),
        ("s3_put_other_scripts", "大阪支店", "夏 2026", "写真 1+1 — лето.jpg"),
        ("s3_put_in_subfolder", "acme", "spring", "day 1/beach.jpg"),
    ],
)
def test_keys_are_decoded(
    event: str, tenant: str, batch: str, filename: str, handle: Handle, s3: "S3Client", items: Items
) -> None:
    s3.put_object(Bucket=UPLOADS, Key=f"uploads/{tenant}/{batch}/{filename}", Body=photo())

    handle(load_event(event))

    (item,) = items()
    assert (item["pk"], item["sk"]) == (f"TENANT#{tenant}#BATCH#{batch}", f"PHOTO#{filename}#ENSEMBLE#default")
    assert (item["file"], item["status"]) == (filename, "scored")


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("s3_removed_delete", "nothing was uploaded"),
        ("s3_removed_delete_marker", "nothing was uploaded"),
        ("s3_expired", "nothing was uploaded"),
        ("s3_put_folder", "it is a folder"),
        ("s3_put_elsewhere", "it is not uploads/TENANT/BATCH/FILENAME"),
        ("s3_put_without_batch", "it is not uploads/TENANT/BATCH/FILENAME"),
        ("s3_put_other_bucket", "it is not in the bucket uploads"),
        ("s3_test_event", "a test event for bucket uploads"),
    ],
)
def test_what_is_no_upload_is_ignored_with_a_log_line(
    event: str,
    reason: str,
    handle: Handle,
    s3: "S3Client",
    items: Items,
    trouble: Callable[..., Trouble],
    caplog: pytest.LogCaptureFixture,
) -> None:
    s3.put_object(Bucket=UPLOADS, Key=BEACH, Body=photo())
    reading = trouble("s3.GetObject", 500, "InternalError")

    assert handle(load_event(event)) is None

    assert not items()
    assert not reading.refused
    (line,) = (message for message in caplog.messages if message.startswith("ignored: "))
    assert reason in line


def test_an_event_of_another_kind_is_not_dropped(handle: Handle) -> None:
    with pytest.raises(MalformedEventError, match="no notification of S3"):
        handle({"detail-type": "Object Created", "detail": {}})


def test_messages_are_scored_together_and_a_bad_image_is_no_failure_of_its_message(
    handle: Handle, s3: "S3Client", items: Items, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, data in {"beach": photo(1), "forest": photo(2), "notes": b"Remember the milk"}.items():
        s3.put_object(Bucket=UPLOADS, Key=f"uploads/acme/spring/{name}.jpg", Body=data)

    assert handle(load_event("sqs_three_photos")) == {"batchItemFailures": []}

    beach, forest, notes = items()
    assert (beach["status"], forest["status"], notes["status"]) == ("scored", "scored", "failed")
    assert notes["error"]["code"] == "unreadable_image"
    assert "notes.jpg is not an image" in notes["error"]["message"]
    metrics = metrics_in(capsys.readouterr().out)
    assert (metrics["PhotosScored"], metrics["PhotosFailed"], metrics["PhotosFaulted"]) == (2, 1, 0)
    assert 0 < metrics["ModelTime"] < metrics["ScoreTime"]


def test_of_assorted_messages_those_that_nobody_understands_come_again(
    handle: Handle, s3: "S3Client", items: Items
) -> None:
    s3.put_object(Bucket=UPLOADS, Key=BEACH, Body=photo())
    event = load_event("sqs_assortment")
    not_json, not_s3 = (record["messageId"] for record in event["Records"][3:])

    answer = handle(event)

    assert [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] == [not_json, not_s3]
    assert [item["file"] for item in items()] == ["beach.jpg"]


def test_a_queue_may_bring_the_test_event_alone(handle: Handle) -> None:
    event = load_event("sqs_assortment")
    event["Records"] = [event["Records"][2]]

    assert handle(event) == {"batchItemFailures": []}


def test_photos_of_several_batches_get_the_ensembles_that_each_asks_for(
    handle: Handle, s3: "S3Client", items: Items, table: Table, store: ModelStore
) -> None:
    manifest = store.manifest("second")
    store.join_ensemble("lean", manifest)
    asked = {"pk": "TENANT#acme#BATCH#autumn", "sk": "BATCH", "ensembles": ["lean", "live"], "event_order": ""}
    assert table.put_newer(asked)
    for key in (BEACH, "uploads/acme/autumn/forest.jpg"):
        s3.put_object(Bucket=UPLOADS, Key=key, Body=photo())

    assert handle(load_event("sqs_two_batches")) == {"batchItemFailures": []}

    _batch, by_default, by_lean, beach = items()
    assert (beach["ensemble"], by_default["ensemble"], by_lean["ensemble"]) == ("default@1", "default@1", "lean@1")
    assert item_record(by_lean).to_json() == record_of_the_command(store, "forest.jpg", photo(), "lean")
    assert item_record(by_default).to_json() == record_of_the_command(store, "forest.jpg", photo())


def test_an_ensemble_that_is_not_there_costs_no_other_its_record(
    handle: Handle, s3: "S3Client", items: Items, table: Table
) -> None:
    table.put_newer({"pk": "TENANT#acme#BATCH#spring", "sk": "BATCH", "ensembles": {"live", "lost"}, "event_order": ""})
    s3.put_object(Bucket=UPLOADS, Key=BEACH, Body=photo())

    with pytest.raises(ExceptionGroup, match="could not be scored") as raised:
        handle(load_event("s3_put"))

    assert "There is no ensemble or alias lost" in str(raised.value.exceptions[0].exceptions[0])
    assert [item["sk"] for item in items()] == ["BATCH", "PHOTO#beach.jpg#ENSEMBLE#default"]


def test_a_photo_that_the_event_calls_too_large_is_not_fetched(
    handle: Handle, items: Items, trouble: Callable[..., Trouble]
) -> None:
    reading = trouble("s3.GetObject", 500, "InternalError")

    handle(load_event("s3_put_oversize"))

    (item,) = items()
    assert item["error"]["code"] == "image_too_large"
    assert "huge.jpg has 25.0 MB and the limit is 25 MB" in item["error"]["message"]
    assert not reading.refused


def test_a_photo_that_is_larger_than_its_event_says_is_refused(
    cold_start: ColdStart, s3: "S3Client", items: Items, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("MEMORABILITY_MAX_IMAGE_BYTES", "3000")
    s3.put_object(Bucket=UPLOADS, Key=BEACH, Body=photo() + bytes(3000))

    cold_start("functions.score.handler").handle(load_event("s3_put", size=2048), Context())

    (item,) = items()
    assert item["error"]["code"] == "image_too_large"


def test_an_empty_file_gets_a_failed_record(handle: Handle, s3: "S3Client", items: Items) -> None:
    s3.put_object(Bucket=UPLOADS, Key=BEACH, Body=b"")

    handle(load_event("s3_put", size=0))

    (item,) = items()
    assert item["error"]["code"] == "empty_file"


def test_a_photo_that_was_deleted_meanwhile_is_ignored(
    handle: Handle, items: Items, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert handle(load_event("s3_put")) is None

    assert not items()
    assert "ignored: s3://uploads/uploads/acme/spring/beach.jpg is not there (any more)" in caplog.messages
    assert metrics_in(capsys.readouterr().out)["PhotosMissing"] == 1


def test_a_version_that_was_deleted_meanwhile_is_ignored(handle: Handle, s3: "S3Client", items: Items) -> None:
    s3.put_bucket_versioning(Bucket=UPLOADS, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=UPLOADS, Key=BEACH, Body=photo(1))["VersionId"]
    s3.put_object(Bucket=UPLOADS, Key=BEACH, Body=photo(2))
    s3.delete_object(Bucket=UPLOADS, Key=BEACH, VersionId=first)

    assert handle(load_event("s3_put_version", versionId=first)) is None

    assert not items()


def test_all_messages_failing_fails_the_call(handle: Handle) -> None:
    event = load_event("sqs_assortment")
    event["Records"] = event["Records"][3:]

    with pytest.raises(BatchProcessingError):
        handle(event)


def test_every_event_file_is_used() -> None:
    files = {path.stem for path in (Path(__file__).parent / "events").glob("*.json")}
    folder = Path(__file__).parent
    sources = "".join(path.read_text() for path in [*folder.glob("test_*.py"), *folder.parent.glob("*.py")])
    assert not [name for name in files if json.dumps(name) not in sources and json.dumps(f"{name}.json") not in sources]
