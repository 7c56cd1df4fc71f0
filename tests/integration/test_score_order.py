"""Doubled, late and out-of-order events, and faults of ours: one right record in the end, and nothing is lost."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from model_store.items import item_record
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


@pytest.fixture
def versions(s3: "S3Client") -> tuple[str, str]:
    """Two versions of one photo, the older first."""
    s3.put_bucket_versioning(Bucket=UPLOADS, VersioningConfiguration={"Status": "Enabled"})
    older, newer = (s3.put_object(Bucket=UPLOADS, Key=BEACH, Body=photo(seed))["VersionId"] for seed in (1, 2))
    return older, newer


def test_a_doubled_event_changes_nothing(
    handle: Handle, s3: "S3Client", items: Items, capsys: pytest.CaptureFixture[str]
) -> None:
    s3.put_object(Bucket=UPLOADS, Key=BEACH, Body=photo())
    handle(load_event("s3_put"))
    before = items()
    assert metrics_in(capsys.readouterr().out)["PhotosUnchanged"] == 0

    assert handle(load_event("s3_put")) is None

    assert items() == before
    assert metrics_in(capsys.readouterr().out)["PhotosUnchanged"] == 1


def test_a_message_that_comes_twice_in_one_call_is_answered_twice_and_kept_once(
    handle: Handle, s3: "S3Client", items: Items
) -> None:
    s3.put_object(Bucket=UPLOADS, Key=BEACH, Body=photo())
    event = load_event("sqs_assortment")
    event["Records"] = [event["Records"][0], event["Records"][0] | {"messageId": "the same again"}]

    assert handle(event) == {"batchItemFailures": []}

    assert [item["file"] for item in items()] == ["beach.jpg"]


@pytest.mark.parametrize("order", [("older", "newer"), ("newer", "older"), ("newer", "older", "newer")])
def test_the_newer_version_of_a_photo_stays_whatever_order_the_events_come_in(
    order: tuple[str, ...], versions: tuple[str, str], handle: Handle, items: Items
) -> None:
    events = {
        "older": load_event("s3_put_version", versionId=versions[0]),
        "newer": load_event("s3_put_later", versionId=versions[1]),
    }
    for name in order:
        handle(events[name])

    (item,) = items()
    assert item["object_version"] == versions[1]


def test_each_event_scores_the_version_that_it_is_about(
    versions: tuple[str, str], handle: Handle, items: Items
) -> None:
    handle(load_event("s3_put_version", versionId=versions[0]))
    (older,) = items()
    handle(load_event("s3_put_later", versionId=versions[1]))
    (newer,) = items()

    assert item_record(older) != item_record(newer)


def test_a_photo_in_place_of_a_bad_file_gets_a_record_without_the_error(
    handle: Handle, s3: "S3Client", items: Items
) -> None:
    s3.put_object(Bucket=UPLOADS, Key=BEACH, Body=b"not yet")
    handle(load_event("s3_put"))
    assert items()[0]["status"] == "failed"
    s3.put_object(Bucket=UPLOADS, Key=BEACH, Body=photo())
    later = load_event("s3_put_later")
    del later["Records"][0]["s3"]["object"]["versionId"]

    handle(later)

    (item,) = items()
    assert item["status"] == "scored"
    assert "error" not in item


def test_without_sequencers_the_time_decides(handle: Handle, s3: "S3Client", items: Items) -> None:
    s3.put_object(Bucket=UPLOADS, Key=BEACH, Body=photo())
    event = load_event("s3_put")
    del event["Records"][0]["s3"]["object"]["sequencer"]
    handle(event)
    event["Records"][0]["eventTime"] = "2026-11-22T10:15:29.999Z"
    handle(event)

    (item,) = items()
    assert item["event_order"].endswith("/2026-11-22T10:15:30.123Z")


def test_a_throttled_table_fails_the_call_and_the_next_try_succeeds(
    handle: Handle,
    s3: "S3Client",
    items: Items,
    trouble: Callable[..., Trouble],
    cold_start: ColdStart,
    capsys: pytest.CaptureFixture[str],
) -> None:
    s3.put_object(Bucket=UPLOADS, Key=BEACH, Body=photo())
    throttling = trouble("dynamodb.PutItem", 400, "ProvisionedThroughputExceededException")
    handler = cold_start("functions.score.handler")

    with pytest.raises(ExceptionGroup) as raised:
        handler.handle(load_event("s3_put"), Context())

    assert raised.group_contains(ClientError, match="ProvisionedThroughputExceededException")
    assert throttling.refused == 1
    assert not items()
    assert metrics_in(capsys.readouterr().out)["PhotosFaulted"] == 1

    throttling.is_over = True
    handler.handle(load_event("s3_put"), Context())

    assert [item["status"] for item in items()] == ["scored"]


@pytest.mark.parametrize(
    ("operation", "status", "code"),
    [
        ("dynamodb.PutItem", 400, "ThrottlingException"),
        ("dynamodb.PutItem", 500, "InternalServerError"),
        ("s3.GetObject", 503, "SlowDown"),
        ("s3.GetObject", 403, "AccessDenied"),
    ],
)
def test_a_fault_of_ours_brings_one_message_again_and_no_other(
    operation: str,
    status: int,
    code: str,
    s3: "S3Client",
    items: Items,
    trouble: Callable[..., Trouble],
    cold_start: ColdStart,
) -> None:
    for name in ("beach", "forest", "notes"):
        s3.put_object(Bucket=UPLOADS, Key=f"uploads/acme/spring/{name}.jpg", Body=photo())
    fault = trouble(operation, status, code, marker="forest.jpg")
    handler = cold_start("functions.score.handler")
    event = load_event("sqs_three_photos")

    answer = handler.handle(event, Context())

    assert [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] == [event["Records"][1]["messageId"]]
    assert [item["file"] for item in items()] == ["beach.jpg", "notes.jpg"]

    fault.is_over = True
    event["Records"] = event["Records"][1:2]
    assert handler.handle(event, Context()) == {"batchItemFailures": []}
    assert [item["file"] for item in items()] == ["beach.jpg", "forest.jpg", "notes.jpg"]


def test_a_batch_whose_wishes_cannot_be_read_is_tried_again(
    s3: "S3Client", items: Items, trouble: Callable[..., Trouble], cold_start: ColdStart
) -> None:
    for key in (BEACH, "uploads/acme/autumn/forest.jpg"):
        s3.put_object(Bucket=UPLOADS, Key=key, Body=photo())
    throttling = trouble("dynamodb.GetItem", 400, "ThrottlingException", marker="autumn")
    event = load_event("sqs_two_batches")

    answer = cold_start("functions.score.handler").handle(event, Context())

    throttling.is_over = True
    assert [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] == [event["Records"][1]["messageId"]]
    assert [item["file"] for item in items()] == ["beach.jpg"]
