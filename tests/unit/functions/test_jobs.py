"""What the queue of the heatmap workers is sent."""

import re
from typing import Any

import pytest

from functions.aws.jobs import RefusedJobsError, SqsJobQueue
from tests.unit.gpu_worker.fakes import job

GROUP = re.compile(r"[A-Za-z0-9!-/:-@\[-`{-~]{1,128}")  # what SQS takes: API reference, "SendMessageBatch"
TENANTS = ["acme", "Acme GmbH", "Müller", "写真", "x" * 128]


class FakeSqs:
    """Keeps what was sent, and takes no entry in whose body the unwelcome text is."""

    def __init__(self, unwelcome: str | None = None) -> None:
        self.entries: list[dict[str, str]] = []
        self._unwelcome = unwelcome

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        assert QueueUrl
        self.entries += Entries
        refused = [entry for entry in Entries if self._unwelcome and self._unwelcome in entry["MessageBody"]]
        return {"Failed": [{"Id": entry["Id"], "Code": "InternalError"} for entry in refused]}


def queue(client: Any) -> SqsJobQueue:
    return SqsJobQueue(client, "https://sqs.example/jobs")


def test_every_tenant_has_a_group_of_its_own_that_sqs_takes() -> None:
    client = FakeSqs()

    queue(client).send([job(tenant, name) for tenant in TENANTS for name in ("a.jpg", "b.jpg")])

    groups = [entry["MessageGroupId"] for entry in client.entries]
    assert all(GROUP.fullmatch(group) for group in groups)
    assert groups[::2] == groups[1::2]
    assert len(set(groups)) == len(TENANTS)


def test_jobs_that_are_not_taken_are_told_of() -> None:
    with pytest.raises(RefusedJobsError, match="1 jobs were not taken"):
        queue(FakeSqs(unwelcome="b.jpg")).send([job("acme"), job("acme", "b.jpg")])
