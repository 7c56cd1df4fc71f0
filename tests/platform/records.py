"""The table's items as the records that they hold."""

from boto3.dynamodb.types import TypeDeserializer

from model_store.items import item_record
from model_store.records import FailedRecord, ScoredRecord
from tests.platform.platform_client import Item

# The same executables score here and there, but in batches of other sizes, which round differently.
TOLERANCE = 1e-5


def record(item: Item) -> ScoredRecord | FailedRecord:
    deserialize = TypeDeserializer().deserialize
    return item_record({name: deserialize(value) for name, value in item.items()})


def scored(item: Item) -> ScoredRecord:
    found = record(item)
    assert isinstance(found, ScoredRecord)
    return found


def score_of(found: ScoredRecord) -> float:
    return next(measure.score for name, measure in found.measures.items() if name == "hit_rate")


def models_of(found: ScoredRecord) -> list[str]:
    return [model.model for measure in found.measures.values() for model in measure.models]


def assert_same(found: ScoredRecord, expected: ScoredRecord) -> None:
    """What the platform says of a photo is what the command says of it."""
    assert abs(score_of(found) - score_of(expected)) <= TOLERANCE
    assert (found.width, found.height) == (expected.width, expected.height)
    assert models_of(found) == models_of(expected)
