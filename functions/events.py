"""S3 notifications, straight from S3 or inside messages of SQS, as values.

Format: Amazon S3 user guide, "Event message structure". Nothing but the standard library is imported here, because the
publisher reads events before the bundle of dependencies is there.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import unquote_plus

from model_store.errors import MemorabilityError

logger = logging.getLogger(__name__)

_SEQUENCER_DIGITS = 32  # S3's have 16 to 18
_TEST_EVENT = "s3:TestEvent"

type Event = Mapping[str, Any]


class MalformedEventError(MemorabilityError):
    """An event that is no notification of S3."""


@dataclass(frozen=True)
class ObjectEvent:
    """Something that happened to an S3 object.

    Attributes:
        name: what happened, for example `ObjectCreated:Put`.
        bucket: the bucket.
        key: the object's key, decoded.
        size: the object's bytes, None where the event does not say.
        version_id: the object's version, None in a bucket without versions.
        order: of two events for one key, the later one has the greater string.
    """

    name: str
    bucket: str
    key: str
    size: int | None
    version_id: str | None
    order: str

    @classmethod
    def from_record(cls, record: Event) -> Self:
        """Reads one of the `Records` of a notification; raises `MalformedEventError` for anything else."""
        try:
            thing = record["s3"]["object"]
            return cls(
                name=record["eventName"].removeprefix("s3:"),
                bucket=record["s3"]["bucket"]["name"],
                key=unquote_plus(thing["key"]),
                size=thing.get("size"),
                version_id=thing.get("versionId"),
                order=_order(thing.get("sequencer", ""), record["eventTime"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise MalformedEventError(f"a notification of S3 has no valid {error}: {json.dumps(record)}") from error

    @property
    def is_creation(self) -> bool:
        """Whether the event says that there is a new object, or a new version of one."""
        return self.name.startswith("ObjectCreated:")


def is_from_queue(event: Event) -> bool:
    """Whether the event brings messages of SQS."""
    match event:
        case {"Records": [{"eventSource": "aws:sqs"}, *_]}:
            return True
    return False


def object_events(notification: Event) -> list[ObjectEvent]:
    """What a notification of S3 says; nothing, where it is the one by which S3 tries a new destination.

    Raises:
        MalformedEventError: it is no notification of S3.
    """
    if notification.get("Event") == _TEST_EVENT:
        logger.info("ignored: a test event for bucket %s", notification.get("Bucket"))
        return []
    if not isinstance(notification.get("Records"), list):
        raise MalformedEventError(f"this is no notification of S3: {json.dumps(notification)}")
    return [ObjectEvent.from_record(record) for record in notification["Records"]]


def queued_notification(body: str) -> Event:
    """The notification that a message of SQS wraps.

    Raises:
        MalformedEventError: the message's body is no JSON object.
    """
    try:
        notification = json.loads(body)
    except ValueError as error:
        raise MalformedEventError(f"a message is not JSON ({error}): {body}") from error
    if not isinstance(notification, dict):
        raise MalformedEventError(f"a message is no JSON object: {body}")
    return notification


def _order(sequencer: str, time: str) -> str:
    """A string that sorts as the events happened.

    S3 has sequencers compared as strings, the shorter one filled with zeros on its right (user guide, "Event message
    structure"). The time, ISO 8601 in UTC, decides where there are none.
    """
    return f"{sequencer.upper():0<{_SEQUENCER_DIGITS}}/{time}"
