"""Does again what failed for good: calls a function with every event of its failure queue.

    python -m scripts.redrive --queue-url URL --function NAME

Events that the function finishes are removed from the queue; those that fail again stay, and the command exits with 1.
An event may lie there as it was queued, or inside the document by which Lambda says that an asynchronous call failed
(Lambda developer guide, "Adding a destination"). Region, credentials and endpoint come from the environment, as with
the AWS CLI.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

_HIDDEN_SECONDS = 12 * 3600  # SQS's longest: what fails again is not to come back while the others are being done
_CONFIG = Config(read_timeout=900, retries={"total_max_attempts": 1})


@dataclass
class Outcome:
    """What became of a failure queue's events.

    Attributes:
        finished: how many the function finished now.
        failed: what it said to each of the others, by the message's id.
    """

    finished: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def redrive(sqs: Any, lambda_: Any, queue_url: str, function: str) -> Outcome:
    """Calls a function with every event that waits in a failure queue, each once; all but the finished ones stay.

    Args:
        sqs: a client.
        lambda_: a client that waits as long as a function may take.
        queue_url: the failure queue.
        function: name of the function.

    Raises:
        BotoCoreError, ClientError: the queue cannot be used.
    """
    outcome = Outcome()
    hidden: list[str] = []
    try:
        for message in _messages(sqs, queue_url):
            hidden.append(message["ReceiptHandle"])
            if error := _call(lambda_, function, message["Body"]):
                outcome.failed[message["MessageId"]] = error
            else:
                outcome.finished += 1
                sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
                hidden.pop()
    finally:  # not before all were seen, or the first would come again in place of the next
        _show(sqs, queue_url, hidden)
    return outcome


def _show(sqs: Any, queue_url: str, receipts: Iterable[str]) -> None:
    """Makes messages visible again; one that cannot be does not keep the others hidden."""
    with ExitStack() as every:
        for receipt in receipts:
            every.callback(
                sqs.change_message_visibility, QueueUrl=queue_url, ReceiptHandle=receipt, VisibilityTimeout=0
            )


def _messages(sqs: Any, queue_url: str) -> Iterator[dict[str, Any]]:
    """Every message that waits, one by one."""
    while messages := sqs.receive_message(
        QueueUrl=queue_url, MaxNumberOfMessages=1, VisibilityTimeout=_HIDDEN_SECONDS, WaitTimeSeconds=2
    ).get("Messages"):
        yield messages[0]


def _call(lambda_: Any, function: str, body: str) -> str | None:
    """What went wrong, None if nothing did."""
    try:
        event = _failed_event(json.loads(body))
    except ValueError as error:
        return f"it is not JSON: {error}"
    if not isinstance(event, dict):
        return f"it is no event, which would be a JSON object: {body}"
    try:
        answer = lambda_.invoke(FunctionName=function, Payload=json.dumps(event))
        said = answer["Payload"].read().decode()
    except (BotoCoreError, ClientError) as error:
        return f"{function} could not be called: {error}"
    return (said or "an error without a word") if "FunctionError" in answer else None


def _failed_event(document: Any) -> Any:
    return document.get("requestPayload", document) if isinstance(document, dict) else document


def main() -> int:
    """Does the events of a queue again and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queue-url", required=True, help="the failure queue")
    parser.add_argument("--function", required=True, help="name of the function that failed")
    arguments = parser.parse_args()
    lambda_ = boto3.client("lambda", config=_CONFIG)
    outcome = redrive(boto3.client("sqs"), lambda_, arguments.queue_url, arguments.function)
    print(f"{outcome.finished} finished, {len(outcome.failed)} failed again")
    for message_id, error in outcome.failed.items():
        print(f"{message_id}: {error}", file=sys.stderr)
    return int(bool(outcome.failed))


if __name__ == "__main__":
    sys.exit(main())
