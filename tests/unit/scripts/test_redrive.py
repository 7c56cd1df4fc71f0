"""What becomes of a failure queue's messages: finished ones go, and all others can be seen again."""

import io
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from scripts.redrive import Outcome, redrive

URL = "https://queue"


@dataclass
class Queue:
    """SQS with one queue; a message that is received is hidden until somebody shows it."""

    waiting: dict[str, str]
    hidden: dict[str, str] = field(default_factory=dict)
    refuses: str = ""

    def receive_message(self, **_: object) -> dict[str, Any]:
        if not self.waiting:
            self._refuse("receive")
            return {}
        name, body = self.waiting.popitem()
        self.hidden[name] = body
        return {"Messages": [{"MessageId": name, "ReceiptHandle": name, "Body": body}]}

    def delete_message(self, QueueUrl: str, ReceiptHandle: str) -> None:  # noqa: N803 - as boto3 calls it
        self._refuse(f"delete {ReceiptHandle}")
        del self.hidden[ReceiptHandle]

    def change_message_visibility(self, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> None:  # noqa: N803
        self._refuse(f"show {ReceiptHandle}")
        assert VisibilityTimeout == 0
        self.waiting[ReceiptHandle] = self.hidden.pop(ReceiptHandle)

    def _refuse(self, call: str) -> None:
        if self.refuses == call:
            raise refusal(call)


@dataclass
class Function:
    """Lambda with one function; `answers` are what it says to an event, given by the event's `id`."""

    answers: dict[str, str | BaseException] = field(default_factory=dict)
    finished: list[str] = field(default_factory=list)

    def invoke(self, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803 - as boto3 calls it
        event = json.loads(Payload)["id"]
        answer = self.answers.get(event)
        if isinstance(answer, BaseException):
            raise answer
        if answer:
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(answer.encode())}
        self.finished.append(event)
        return {"Payload": io.BytesIO(b"null")}


def refusal(call: str) -> ClientError:
    return ClientError({"Error": {"Code": "AccessDenied", "Message": "not allowed"}}, call)


def events(*names: str) -> dict[str, str]:
    return {name: json.dumps({"id": name}) for name in names}


def test_what_is_finished_is_removed_and_what_fails_again_can_be_seen() -> None:
    queue, function = Queue(events("a", "b", "c")), Function({"b": "no such model"})

    outcome = redrive(queue, function, URL, "publish")

    assert outcome == Outcome(finished=2, failed={"b": "no such model"})
    assert (set(queue.waiting), queue.hidden) == ({"b"}, {})


def test_the_event_is_taken_out_of_what_lambda_says_about_a_failed_call() -> None:
    function = Function()
    redrive(Queue({"a": json.dumps({"requestPayload": {"id": "wrapped"}})}), function, URL, "publish")
    assert function.finished == ["wrapped"]


@pytest.mark.parametrize(
    ("error", "said"),
    [(refusal("Invoke"), "AccessDenied"), (ReadTimeoutError(endpoint_url="https://lambda"), "Read timeout")],
)
def test_a_call_that_aws_refuses_fails_and_the_others_are_done(error: Exception, said: str) -> None:
    queue, function = Queue(events("a", "b", "c")), Function({"b": error})

    outcome = redrive(queue, function, URL, "publish")

    assert outcome.finished == 2
    assert said in outcome.failed["b"]
    assert (set(queue.waiting), queue.hidden) == ({"b"}, {})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{", "it is not JSON"),
        ("[]", "it is no event, which would be a JSON object"),
        ('"text"', "it is no event"),
        ('{"requestPayload": null}', "it is no event"),
    ],
)
def test_what_is_no_event_fails(body: str, said: str) -> None:
    queue, function = Queue(events("a") | {"b": body}), Function()

    outcome = redrive(queue, function, URL, "publish")

    assert (outcome.finished, set(queue.waiting)) == (1, {"b"})
    assert said in outcome.failed["b"]


def test_nothing_stays_hidden_when_the_command_is_interrupted() -> None:
    queue = Queue(events("a", "b", "c"))

    with pytest.raises(KeyboardInterrupt):
        redrive(queue, Function({"b": KeyboardInterrupt(), "c": "no such model"}), URL, "publish")

    assert (set(queue.waiting), queue.hidden) == ({"a", "b", "c"}, {})


@pytest.mark.parametrize("call", ["receive", "delete c"])
def test_nothing_stays_hidden_when_the_queue_refuses_a_call(call: str) -> None:
    queue = Queue(events("a", "b", "c"), refuses=call)

    with pytest.raises(ClientError, match=call):
        redrive(queue, Function({"b": "no such model"}), URL, "publish")

    assert not queue.hidden
    assert "b" in queue.waiting


def test_one_that_cannot_be_shown_does_not_keep_the_others_hidden() -> None:
    queue = Queue(events("a", "b", "c"), refuses="show b")

    with pytest.raises(ClientError, match="show b"):
        redrive(queue, Function(dict.fromkeys("abc", "no such model")), URL, "publish")

    assert (set(queue.waiting), set(queue.hidden)) == ({"a", "c"}, {"b"})
