"""The worker's adapters, and the sender of its jobs: what they make of SQS and DynamoDB."""

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from functions.aws.jobs import SqsJobQueue
from gpu_worker.aws.queue import SqsQueue
from model_store.aws.table import Table
from model_store.heatmap_items import HeatmapOrigin, HeatmapRecord, heatmap_item, stored_heatmap
from model_store.heatmaps.records import DoneHeatmap, FailedHeatmap, HeatmapFailure, QueuedHeatmap
from model_store.items import Item
from model_store.store import Measure
from tests.integration.calls import RESULTS
from tests.integration.worker_account import job

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

JOB = job("beach.jpg")
COMMON = {"file": "beach.jpg", "subject": JOB.subject, "method": JOB.method}
QUEUED = QueuedHeatmap.model_validate(COMMON | {"request_id": "r", "requested_at": "2026-01-01T00:00:00Z"})
FAILED = FailedHeatmap(**COMMON, error=HeatmapFailure(code="x", message="y"))
KEYS = JOB.place.object_keys(HeatmapOrigin("v", "1", Decimal(9)), ["first@1"])
DONE = DoneHeatmap.model_validate(
    COMMON
    | {"models": ["first@1"], "measure": Measure.HIT_RATE, "score": 0.5, "width": 4, "height": 3, "scale": 0.125}
    | {"overlay_key": KEYS.overlay, "map_key": KEYS.map}
)


def item(record: HeatmapRecord, order: str = "1", version: str | None = "v") -> Item:
    return heatmap_item(JOB.place, record, HeatmapOrigin(version, order, Decimal(9)))


def received(sqs: "SQSClient", url: str) -> list["MessageTypeDef"]:
    """Every message that waits, with its system attributes."""
    found: list[MessageTypeDef] = []
    while some := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["MessageGroupId"]
    ).get("Messages"):
        found += some
    return found


class TestTable:
    @pytest.fixture
    def heatmaps(self, dynamodb: "DynamoDBClient") -> Table:
        return Table(dynamodb, RESULTS)

    @pytest.mark.parametrize("record", [QUEUED, FAILED, DONE])
    def test_a_record_comes_back_as_it_was_written(self, heatmaps: Table, record: HeatmapRecord) -> None:
        assert heatmaps.put_unless_done(item(record))

        stored = stored_heatmap(heatmaps.get(JOB.place.item_key) or {})
        assert stored
        assert stored.record == record
        assert (stored.filename, stored.origin) == ("beach.jpg", HeatmapOrigin("v", "1", Decimal(9)))

    @pytest.mark.parametrize(
        ("present", "later", "is_written"),
        [
            (item(QUEUED), item(DONE), True),
            (item(QUEUED), item(QUEUED), True),
            (item(QUEUED), item(FAILED), True),
            (item(FAILED), item(QUEUED), True),
            (item(FAILED), item(DONE), True),
            (item(DONE), item(QUEUED), False),
            (item(DONE), item(FAILED), False),
            (item(DONE), item(DONE), False),
            (item(DONE, order="1"), item(QUEUED, order="2"), True),
            (item(QUEUED, order="2"), item(DONE, order="1"), False),
            (item(DONE, order=""), item(DONE, order=""), False),
        ],
    )
    def test_what_is_done_stays_until_there_is_another_photo(
        self, heatmaps: Table, present: Item, later: Item, is_written: bool
    ) -> None:
        heatmaps.put_unless_done(present)

        assert heatmaps.put_unless_done(later) is is_written
        assert heatmaps.get(JOB.place.item_key) == (later if is_written else present)

    def test_what_was_deleted_does_not_come_back(self, heatmaps: Table) -> None:
        assert not heatmaps.put_unless_done(item(DONE), only_replace=True)
        assert heatmaps.get(JOB.place.item_key) is None


class TestQueue:
    @pytest.fixture
    def sqs(self, aws: None) -> "SQSClient":
        return boto3.client("sqs")

    @pytest.fixture
    def failures_url(self, sqs: "SQSClient") -> str:
        return sqs.create_queue(QueueName="failures")["QueueUrl"]

    @pytest.fixture
    def url(self, sqs: "SQSClient", failures_url: str) -> str:
        arn = sqs.get_queue_attributes(QueueUrl=failures_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
        return sqs.create_queue(QueueName="jobs", Attributes={"VisibilityTimeout": "45", "RedrivePolicy": redrive})[
            "QueueUrl"
        ]

    def test_its_own_attributes_say_how_it_works(self, sqs: "SQSClient", url: str) -> None:
        queue = SqsQueue(sqs, url)

        assert (queue.visibility_seconds, queue.max_receives) == (45, 5)

    def test_jobs_arrive_in_a_group_for_each_tenant(self, sqs: "SQSClient", url: str) -> None:
        # Twelve take two requests.
        SqsJobQueue(sqs, url).send([job(f"{number}.jpg", f"tenant{number % 2}") for number in range(12)])

        groups: dict[str, set[str]] = {}
        for message in received(sqs, url):
            tenant = json.loads(message["Body"])["tenant"]
            groups.setdefault(tenant, set()).add(message["Attributes"]["MessageGroupId"])
        assert {tenant: len(found) for tenant, found in groups.items()} == {"tenant0": 1, "tenant1": 1}
        assert groups["tenant0"].isdisjoint(groups["tenant1"])

    def test_messages_that_are_given_back_come_again_and_are_counted(self, sqs: "SQSClient", url: str) -> None:
        queue = SqsQueue(sqs, url)
        for body in ("one", "two"):
            sqs.send_message(QueueUrl=url, MessageBody=body)

        first = queue.receive(10, 0)
        assert {message.body for message in first} == {"one", "two"}
        assert not queue.receive(10, 0)
        queue.hide(first, 0)
        again = queue.receive(10, 0)

        assert {message.message_id for message in again} == {message.message_id for message in first}
        assert [message.receives for message in again] == [2, 2]
        assert all(0 <= message.age_seconds < 60 for message in again)

    def test_a_message_that_is_gone_keeps_no_other_from_being_hidden(
        self, sqs: "SQSClient", url: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        queue = SqsQueue(sqs, url)
        for body in ("one", "two"):
            sqs.send_message(QueueUrl=url, MessageBody=body)
        gone, held = queue.receive(10, 0)
        queue.delete(gone)
        with caplog.at_level("INFO", "gpu_worker"):
            queue.hide([gone, held], 0)

        assert [message.message_id for message in queue.receive(10, 0)] == [held.message_id]
        assert f"message {gone.message_id} cannot be hidden" in caplog.text

    def test_a_refused_message_is_in_the_failure_queue_with_its_reason(
        self, sqs: "SQSClient", url: str, failures_url: str
    ) -> None:
        queue = SqsQueue(sqs, url)
        sqs.send_message(QueueUrl=url, MessageBody="one")
        (message,) = queue.receive(10, 0)
        queue.refuse(message, "it is no job" + "!" * 5000)
        queue.hide([message], 0)

        assert not queue.receive(10, 0)
        (failed,) = sqs.receive_message(QueueUrl=failures_url, MessageAttributeNames=["All"])["Messages"]
        assert failed["Body"] == "one"
        attributes: Any = failed["MessageAttributes"]
        assert attributes["reason"]["StringValue"].startswith("it is no job!")

    def test_a_queue_without_a_failure_queue_forgets_what_is_refused(self, sqs: "SQSClient") -> None:
        url = sqs.create_queue(QueueName="plain")["QueueUrl"]
        queue = SqsQueue(sqs, url)
        sqs.send_message(QueueUrl=url, MessageBody="one")
        (message,) = queue.receive(10, 0)
        queue.refuse(message, "it is no job")

        assert queue.max_receives is None
        assert not queue.receive(10, 0)
