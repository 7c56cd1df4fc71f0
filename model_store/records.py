"""What is said about a photo: one record each, scored or failed, the same wherever it goes.

`python -m model_store.records` prints the JSON Schema, which `docs/schema/record.schema.json` is a copy of.
"""

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, TypeAdapter

from model_store.images.errors import ImageErrorCode
from model_store.store.manifest import Measure, ModelDescription
from model_store.store.references import PinnedRef

SCHEMA_ID = "urn:memorability:schema:record:1"
SCORE_DECIMALS = 6  # float32 has no more to give
PERCENTILE_DECIMALS = 1
CORRELATION_DECIMALS = 3  # its intervals are hundredths wide


def _rounded(decimals: int) -> PlainSerializer:
    def to_decimals(value: float) -> float:
        return round(value, decimals) + 0.0  # never -0.0, which DynamoDB gives back as 0

    return PlainSerializer(to_decimals, when_used="json")


def _encodable(text: object) -> object:
    """Escape what UTF-8 cannot hold: a file name may be any bytes, and every file gets a record."""
    return text.encode("utf-8", "backslashreplace").decode() if isinstance(text, str) else text


Score = Annotated[float, _rounded(SCORE_DECIMALS)]
Spread = Annotated[float, Field(ge=0), _rounded(SCORE_DECIMALS)]
Percentile = Annotated[float, Field(ge=0, le=100), _rounded(PERCENTILE_DECIMALS)]
Text = Annotated[str, BeforeValidator(_encodable), Field(min_length=1)]
Pixels = Annotated[int, Field(gt=0)]
Correlation = Annotated[float, Field(ge=-1, le=1), _rounded(CORRELATION_DECIMALS)]


def _is_none(value: object) -> bool:
    return value is None


def _require_every_property(schema: dict[str, Any]) -> None:
    # `status` too, whose default is for our own constructors; what is null by default is absent where it is null.
    schema["required"] = [name for name, field in schema["properties"].items() if field.get("default", "") is not None]


class _Value(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        json_schema_extra=_require_every_property,
    )


class ModelPerformance(_Value):
    """How well a model was measured to agree with people, or, as the dataset's name says, with another model.

    Spearman's rank correlation, with its 95 % confidence interval.
    """

    dataset: Text = Field(description="what it was measured on")
    n: int = Field(gt=0, description="photos of it")
    spearman: Correlation
    ci95: tuple[Correlation, Correlation]

    @classmethod
    def of(cls, model: ModelDescription) -> Self | None:
        """The first performance that a model's description tells of, its main one; None where it was not measured."""
        if not model.performance:
            return None
        first = model.performance[0]
        low, high = (min(max(end, -1.0), 1.0) for end in first.ci95)  # manifests may have ends beyond, by rounding
        return cls(dataset=first.dataset, n=first.n, spearman=first.spearman, ci95=(low, high))


class ModelScore(_Value):
    """The score that one model (`name@version`) gave; of a model with several heads their mean, and each of theirs."""

    model: PinnedRef
    score: Score
    heads: tuple[Score, ...] | None = Field(
        default=None,
        min_length=2,
        exclude_if=_is_none,
        description="score of each head; absent where there is one only",
    )
    performance: ModelPerformance | None = Field(
        default=None,
        exclude_if=_is_none,
        description="of the model; absent where it was not measured, and in records of before there was this field",
    )


class MeasureResult(_Value):
    """The ensemble's result for one measure."""

    score: Score = Field(description="mean of the models' scores")
    percentile: Percentile | None = Field(
        description="place among the scores of the reference images, 0 to 100; null without a reference"
    )
    spread: Spread = Field(description="standard deviation of the models' scores")
    models: Annotated[tuple[ModelScore, ...], Field(min_length=1)]


class _Record(_Value):
    file: Text

    def to_json(self) -> str:
        """Return the record as one line of JSON, without the line's end."""
        return self.model_dump_json()


class ScoredRecord(_Record):
    """A photo that was scored; `width` and `height` are its upright size in pixels."""

    status: Literal["scored"] = "scored"
    width: Pixels
    height: Pixels
    ensemble: PinnedRef
    measures: Annotated[Mapping[Measure, MeasureResult], Field(min_length=1)]


class Failure(_Value):
    """Why a photo could not be scored: a code for programs and a sentence for people."""

    code: ImageErrorCode
    message: Text


class FailedRecord(_Record):
    """A photo that could not be scored."""

    status: Literal["failed"] = "failed"
    error: Failure


Record = Annotated[ScoredRecord | FailedRecord, Field(discriminator="status")]

_RECORD: TypeAdapter[ScoredRecord | FailedRecord] = TypeAdapter(Record)

parse_record: Callable[[str | bytes], ScoredRecord | FailedRecord] = _RECORD.validate_json
"""Read a record from its JSON; raises pydantic's `ValidationError` for anything else."""


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a record."""
    schema = _RECORD.json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Memorability record",
        **schema,
    }


def json_schema_text() -> str:
    """Return the JSON Schema as the text of its file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(json_schema_text(), end="")
