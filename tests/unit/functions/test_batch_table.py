"""Batches that several requests make at the same time."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from functions.aws.batch_table import CREATE_PAUSES_SECONDS, DynamoBatchTable

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CONFLICT, THERE, FREE = "TransactionConflict", "ConditionalCheckFailed", "None"


class CanceledError(Exception):
    """DynamoDB's TransactionCanceledException."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(reasons)
        self.response = {"CancellationReasons": [{"Code": reason} for reason in reasons]}


class FakeDynamo:
    """Cancels transactions, one after the other, for these reasons; none lets one pass."""

    exceptions = SimpleNamespace(TransactionCanceledException=CanceledError)

    def __init__(self, *cancellations: list[str]) -> None:
        self.calls = 0
        self._cancellations = cancellations

    def transact_write_items(self, **_: object) -> None:
        self.calls += 1
        if reasons := self._cancellations[min(self.calls, len(self._cancellations)) - 1]:
            raise CanceledError(reasons)


def create(client: FakeDynamo) -> tuple[bool, list[float]]:
    """Whether two items were written, and the pauses meanwhile."""
    pauses: list[float] = []
    dynamo: Any = client
    table = DynamoBatchTable(dynamo, "results", pauses.append)
    return table.create({"pk": "a", "sk": "a"}, {"pk": "b", "sk": "b"}, now=NOW), pauses


@pytest.mark.parametrize(("last", "is_written"), [([], True), ([FREE, THERE], False)])
def test_what_another_request_has_in_hand_is_tried_again_until_it_is_known(last: list[str], is_written: bool) -> None:
    client = FakeDynamo([FREE, CONFLICT], [FREE, CONFLICT], last)
    assert create(client) == (is_written, list(CREATE_PAUSES_SECONDS[:3]))


def test_what_stays_in_hand_is_left_to_the_caller() -> None:
    client = FakeDynamo([FREE, CONFLICT])
    is_written, pauses = create(client)
    assert not is_written
    assert pauses == list(CREATE_PAUSES_SECONDS)


def test_what_dynamodb_refuses_for_other_reasons_is_raised() -> None:
    with pytest.raises(CanceledError):
        create(FakeDynamo([CONFLICT, "ThrottlingError"]))
