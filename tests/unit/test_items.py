"""Records as items of DynamoDB, and back."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from model_store.images import ImageErrorCode
from model_store.items import Origin, asked_ensembles, item_record, photo_key, record_item
from model_store.records import FailedRecord, Failure, MeasureResult, ModelPerformance, ModelScore, ScoredRecord
from model_store.store import Measure
from model_store.uploads import UploadKey

UPLOAD = UploadKey("acme", "spring", "beach.jpg")
ORIGIN = Origin("v1", "0A/2026", datetime(2026, 11, 22, 10, 15, 30, 123456, tzinfo=UTC))

SCORES = st.floats(0, 1) | st.sampled_from([0.0, 1.0, 1e-6, 1e-7, 0.1 + 0.2])
AGREEMENTS = st.none() | st.floats(-1, 1) | st.sampled_from([-1.0, -1e-5, 0.0, 0.485])
PERCENTILES = st.none() | st.floats(0, 100) | st.sampled_from([0.0, 100.0, 71.4])


def through_dynamodb(item: dict[str, Any]) -> dict[str, Any]:
    wire = {name: TypeSerializer().serialize(value) for name, value in item.items()}
    return {name: TypeDeserializer().deserialize(value) for name, value in wire.items()}


def item_of(record: ScoredRecord | FailedRecord) -> dict[str, Any]:
    return record_item(UPLOAD, "default", record, ORIGIN, timedelta(days=90))


def scored(score: float, percentile: float | None, spread: float, agreement: float | None = None) -> ScoredRecord:
    performance = (
        None
        if agreement is None
        else ModelPerformance(dataset="LNSIM", n=1900, spearman=agreement, ci95=(agreement, 1.0))
    )
    models = (ModelScore(model="resmem@1.1.6", score=score, performance=performance),)
    result = MeasureResult(score=score, percentile=percentile, spread=spread, models=models)
    measures = {Measure.HIT_RATE: result, Measure.FALSE_ALARM_RATE: result}
    return ScoredRecord(file="beach.jpg", width=4000, height=3000, ensemble="default@1", measures=measures)


@given(SCORES, PERCENTILES, SCORES, AGREEMENTS)
def test_a_scored_record_comes_back_as_the_command_prints_it(
    score: float, percentile: float | None, spread: float, agreement: float | None
) -> None:
    record = scored(score, percentile, spread, agreement)
    assert item_record(through_dynamodb(item_of(record))).to_json() == record.to_json()


def test_a_failed_record_comes_back_as_the_command_prints_it() -> None:
    failure = Failure(code=ImageErrorCode.UNREADABLE_IMAGE, message="写真.jpg is not an image … 1.5 MB")
    record = FailedRecord(file="写真.jpg", error=failure)
    assert item_record(through_dynamodb(item_of(record))) == record


def test_an_item_tells_where_it_comes_from_and_when_it_goes() -> None:
    item = through_dynamodb(item_of(scored(0.8, 71.4, 0.02)))

    assert item["pk"] == "TENANT#acme#BATCH#spring"
    assert item["sk"] == "PHOTO#beach.jpg#ENSEMBLE#default"
    assert item["object_version"] == "v1"
    assert item["event_order"] == "0A/2026"
    assert item["scored_at"] == "2026-11-22T10:15:30.123+00:00"
    assert item["expires_at"] == Decimal(int(datetime(2027, 2, 20, 10, 15, 30, tzinfo=UTC).timestamp()))
    assert item["measures"]["hit_rate"]["score"] == Decimal("0.8")


def test_a_filename_cannot_pass_for_another_ensembles_record() -> None:
    sly = photo_key(UploadKey("acme", "spring", "beach.jpg#ENSEMBLE#other"), "default")["sk"]
    filename, _, ensemble = sly.removeprefix("PHOTO#").rpartition("#ENSEMBLE#")
    assert (filename, ensemble) == ("beach.jpg#ENSEMBLE#other", "default")


@pytest.mark.parametrize("ensembles", [["b", "a"], {"a", "b"}, ("a", "b")])
def test_a_batch_asks_for_ensembles_as_a_list_or_a_set(ensembles: Any) -> None:
    assert asked_ensembles({"ensembles": ensembles}) == ("a", "b")


@pytest.mark.parametrize("batch", [{}, {"ensembles": []}, {"ensembles": None}])
def test_a_batch_may_leave_the_choice_open(batch: dict[str, Any]) -> None:
    assert asked_ensembles(batch) == ()
