"""Clients of the local platform, and batches of photos with the time that each took."""

import os
import signal
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.local_platform.platform import LocalPlatform

TENANT = "e2e"
POLL_SECONDS = 0.1
RECORD_SECONDS = 300.0  # a machine may have other things to do

type Item = Mapping[str, Any]


@dataclass(frozen=True)
class ScoredBatch:
    """A batch that went through the platform.

    Attributes:
        items: the table's items by filename, as DynamoDB writes them.
        latencies: seconds from the start of a photo's own upload until its record was seen, by filename.
        seconds: from the first upload's start until the last record was seen.
    """

    items: Mapping[str, Item]
    latencies: Mapping[str, float]
    seconds: float

    def __str__(self) -> str:
        median, worst = statistics.median(self.latencies.values()), max(self.latencies.values())
        return (
            f"{len(self.items)} photos in {self.seconds:.1f} s; a photo {median:.1f} s (median), {worst:.1f} s (worst)"
        )


class PlatformClient:
    """Does with a local platform what users, operators and mishaps do."""

    def __init__(self, platform: LocalPlatform) -> None:
        emulator = platform.emulator
        self.outputs = platform.outputs()
        self.store_folder = emulator.layout.store
        self.deployment: dict[str, Any] = self.outputs["deployment"]
        self.s3 = emulator.client("s3")
        self.sqs = emulator.client("sqs")
        self.iam = emulator.client("iam")
        self.sts = emulator.client("sts")
        self.lambda_ = emulator.client("lambda")
        self.dynamodb = emulator.client("dynamodb")
        self.client = emulator.client
        self.endpoint_url = emulator.endpoint_url

    def put(self, batch: str, name: str, content: bytes) -> dict[str, Any]:
        """Uploads a photo as users do; returns the notification of it."""
        bucket, key = self.deployment["uploads_bucket"], f"uploads/{TENANT}/{batch}/{name}"
        stored = self.s3.put_object(Bucket=bucket, Key=key, Body=content)
        thing = {"key": key, "size": len(content), "versionId": stored["VersionId"], "sequencer": "0" * 16}
        return {
            "Records": [
                {
                    "eventName": "ObjectCreated:Put",
                    "eventTime": "2026-01-01T00:00:00.000Z",
                    "s3": {"bucket": {"name": bucket}, "object": thing},
                }
            ]
        }

    def remove(self, batch: str) -> None:
        """Removes a batch's photos.

        Terraform, which removes the others with the bucket, takes "+" and "%" in a listed key for escapes: on AWS they
        are, and the emulator escapes nothing.
        """
        bucket = self.deployment["uploads_bucket"]
        found = self.s3.list_object_versions(Bucket=bucket, Prefix=f"uploads/{TENANT}/{batch}/")["Versions"]
        for version in found:
            self.s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])

    def items(self, batch: str) -> dict[str, Item]:
        """A batch's items by filename."""
        found = self.dynamodb.query(
            TableName=self.deployment["results_table"],
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"TENANT#{TENANT}#BATCH#{batch}"}},
            ConsistentRead=True,
        )
        return {item["file"]["S"]: item for item in found["Items"]}

    def score(self, batch: str, photos: Mapping[str, bytes]) -> ScoredBatch:
        """Uploads photos in order, four at a time as a browser would, and waits for all their records."""
        started: dict[str, float] = {}

        def upload(name: str) -> None:
            started[name] = time.perf_counter()
            self.put(batch, name, photos[name])

        first = time.perf_counter()
        with ThreadPoolExecutor(4) as uploads:
            done = [uploads.submit(upload, name) for name in photos]
            seen = self._watch(batch, len(photos))
        for future in done:
            future.result()
        latencies = {name: at - started[name] for name, at in seen.items()}
        return ScoredBatch(self.items(batch), latencies, max(seen.values()) - first)

    def _watch(self, batch: str, n_photos: int) -> dict[str, float]:
        """When each photo's record was first seen."""
        seen: dict[str, float] = {}
        deadline = time.perf_counter() + RECORD_SECONDS
        while len(seen) < n_photos and time.perf_counter() < deadline:
            for name in self.items(batch):
                seen.setdefault(name, time.perf_counter())
            time.sleep(POLL_SECONDS)
        assert len(seen) == n_photos, f"only {len(seen)} of {n_photos} photos have a record: {sorted(seen)}"
        return seen

    def waiting(self, queue_url: str) -> int:
        """How many messages wait in a queue."""
        name = "ApproximateNumberOfMessages"
        found = self.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=[name])
        return int(found["Attributes"][name])

    def end_containers(self, function: str) -> int:
        """Kills every process that runs a function, as Lambda may; returns how many there were."""
        mark = f"AWS_LAMBDA_FUNCTION_NAME={self.outputs['functions'][function]}\0".encode()
        endpoint = f"AWS_ENDPOINT_URL={self.endpoint_url}\0".encode()
        processes = [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdecimal()]
        found = [process for process in processes if mark in (env := _environment(process)) and endpoint in env]
        for process in found:
            os.kill(process, signal.SIGKILL)
        while any(_is_alive(process) for process in found):
            time.sleep(POLL_SECONDS)
        return len(found)

    @contextmanager
    def failing(self, function: str) -> Iterator[None]:
        """Meanwhile a function's role may neither read nor write the results table."""
        role = self.outputs["roles"][function].rsplit("/", 1)[-1]
        statement = '{"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"}'
        policy = f'{{"Version": "2012-10-17", "Statement": [{statement}]}}'
        self.iam.put_role_policy(RoleName=role, PolicyName="mishap", PolicyDocument=policy)
        try:
            yield
        finally:
            self.iam.delete_role_policy(RoleName=role, PolicyName="mishap")


def _environment(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/environ").read_bytes()
    except OSError:  # it ended, or is another user's
        return b""


def _is_alive(process: int) -> bool:
    """Whether its parent does not see its end yet: it does when the last thread is gone, which frees the memory."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        return state not in {"Z", "X"} or len(list(Path(f"/proc/{process}/task").iterdir())) > 1
    except OSError:
        return False


def wait_until(is_so: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + RECORD_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, complaint
        time.sleep(POLL_SECONDS)
