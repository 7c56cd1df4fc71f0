"""Notifications of S3 as values, and their order."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.events import MalformedEventError, ObjectEvent, is_from_queue, object_events, queued_notification


def record(**changes: Any) -> dict[str, Any]:
    """A record of a notification; `changes` are fields of its object."""
    return {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "eventTime": "2026-11-22T10:15:30.123Z",
        "s3": {"bucket": {"name": "uploads"}, "object": {"key": "a.jpg", "size": 1} | changes},
    }


def order_of(sequencer: str) -> str:
    return ObjectEvent.from_record(record(sequencer=sequencer)).order


def test_a_record_is_read() -> None:
    (event,) = object_events({"Records": [record(key="a+b%2B%C3%A9.jpg", versionId="v1", sequencer="0A")]})

    assert (event.key, event.bucket, event.size, event.version_id) == ("a b+é.jpg", "uploads", 1, "v1")
    assert event.is_creation


def test_names_with_the_prefix_of_configurations_are_read() -> None:
    assert ObjectEvent.from_record(record() | {"eventName": "s3:ObjectCreated:Post"}).is_creation
    assert not ObjectEvent.from_record(record() | {"eventName": "ObjectRemoved:Delete"}).is_creation


@pytest.mark.parametrize(
    ("earlier", "later"),
    [("0055AED6", "0055AED7"), ("0055AED6", "0055aed7"), ("0055AED6DC", "0055AED7"), ("0055AED6", "0055AED6DC")],
)
def test_sequencers_of_other_lengths_are_filled_on_the_right(earlier: str, later: str) -> None:
    assert order_of(earlier) < order_of(later)


@given(st.text("0123456789ABCDEF", min_size=1, max_size=20), st.text("0123456789ABCDEF", min_size=1, max_size=20))
def test_sequencers_are_compared_as_s3_says(one: str, other: str) -> None:
    width = max(len(one), len(other))
    assert (order_of(one) < order_of(other)) == (one.ljust(width, "0") < other.ljust(width, "0"))


@pytest.mark.parametrize(
    "event", [{}, {"Records": None}, {"Records": "x"}, {"Records": [{}]}, {"Records": [{"s3": None}]}, {"Records": [3]}]
)
def test_what_is_no_notification_is_said_to_be_none(event: dict[str, Any]) -> None:
    assert not is_from_queue(event)
    with pytest.raises(MalformedEventError, match="notification of S3"):
        object_events(event)


@pytest.mark.parametrize("body", ["", "beach.jpg", "[]", "3", "null"])
def test_a_message_that_wraps_nothing_is_malformed(body: str) -> None:
    with pytest.raises(MalformedEventError, match="a message is"):
        queued_notification(body)
