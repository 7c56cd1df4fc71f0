"""The deployed platform, on this machine: this Terraform, these packages, the published weights.

Figures to reach on two cores: 20 photos from the first upload to the last record in 8 s where the containers are warm,
in 20 s where all are cold. They are printed, and no test fails by them: the machine may have other things to do.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from model_store.items import item_record
from model_store.records import FailedRecord, ScoredRecord
from model_store.store import ModelStore
from model_store.store.layout import MANIFEST_FILE
from scripts.local_platform.__main__ import PACKAGES_FILE, local_platform
from scripts.local_platform.platform import MODEL, LocalPlatform
from scripts.publish_model import publish_model
from tests.e2e.conftest import ROOT, Command
from tests.platform.platform_client import POLL_SECONDS, RECORD_SECONDS, Item, PlatformClient, photo_variants

N_PHOTOS = 20
# The same executables score here and there, but in batches of other sizes, which round differently.
TOLERANCE = 1e-5

# Warm containers read an alias at most every 30 s.
ALIAS_SECONDS = 30.0

type Call = Callable[[Callable[[str], Any], PlatformClient], object]


@pytest.fixture(scope="module")
def platform(published: Command, store_folder: Path) -> Iterator[LocalPlatform]:
    """The local platform, brought up to date; one that was running before goes on running."""
    assert published is not None
    subprocess.run([sys.executable, "-m", "scripts.package_lambdas"], check=True, cwd=ROOT, capture_output=True)
    platform = local_platform(PACKAGES_FILE, store_folder)
    was_running = platform.status() is not None
    platform.up(print)
    yield platform
    if not was_running:
        platform.down()


@pytest.fixture(scope="module")
def client(platform: LocalPlatform) -> PlatformClient:
    return PlatformClient(platform)


@pytest.fixture(scope="module")
def photo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("variants")


@pytest.fixture(scope="module")
def photos(demo_photos: Path, photo_folder: Path) -> Mapping[str, bytes]:
    return photo_variants(sorted(demo_photos.iterdir()), N_PHOTOS, photo_folder)


@pytest.fixture
def batch(request: pytest.FixtureRequest) -> str:
    """A batch of this test's own, on a platform that may have seen the test before."""
    return f"{request.node.originalname}-{time.time_ns()}"


def record(item: Item) -> ScoredRecord | FailedRecord:
    deserialize = TypeDeserializer().deserialize
    return item_record({name: deserialize(value) for name, value in item.items()})


def scored(item: Item) -> ScoredRecord:
    found = record(item)
    assert isinstance(found, ScoredRecord)
    return found


def score_of(found: ScoredRecord) -> float:
    return next(measure.score for name, measure in found.measures.items() if name == "hit_rate")


def test_photos_get_the_records_that_the_command_prints(
    client: PlatformClient,
    photos: Mapping[str, bytes],
    photo_folder: Path,
    command: Command,
    batch: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    n_ended = client.end_containers("score")
    cold = client.score(f"{batch}-cold", photos)
    warm = client.score(f"{batch}-warm", photos)
    with capsys.disabled():
        print(f"\ncold, {n_ended} containers ended before: {cold}\nwarm: {warm}")

    printed = command("score", str(photo_folder), "--json", MEMORABILITY_STORE=str(client.store_folder))
    assert printed.returncode == 0, printed.stderr
    records = map(ScoredRecord.model_validate_json, printed.stdout.splitlines())
    expected = {Path(found.file).name: found for found in records}
    assert set(expected) == set(photos)
    for done in (cold, warm):
        for name, item in done.items.items():
            found = scored(item)
            assert score_of(found) == pytest.approx(score_of(expected[name]), abs=TOLERANCE)
            assert (found.width, found.height) == (expected[name].width, expected[name].height)
            assert found.ensemble == expected[name].ensemble


def test_hostile_files_get_records_that_say_why(
    client: PlatformClient, photos: Mapping[str, bytes], batch: str
) -> None:
    photo = next(iter(photos.values()))
    codes = {
        "empty.jpg": (b"", "empty_file"),
        "half.jpg": (photo[: len(photo) // 2], "truncated_image"),
        "words.jpg": (b"not an image " * 100, "unreadable_image"),
        "héllo wörld +%2F.jpg": (b"\x00" * 4096, "unreadable_image"),
        "page.svg": (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "unsupported_format"),
    }
    done = client.score(batch, {name: content for name, (content, _) in codes.items()})
    found = {name: record(item) for name, item in done.items.items()}
    assert {name: one.error.code for name, one in found.items() if isinstance(one, FailedRecord)} == {
        name: code for name, (_, code) in codes.items()
    }


def test_events_that_are_doubled_or_late_change_nothing(
    client: PlatformClient, photos: Mapping[str, bytes], batch: str
) -> None:
    name, content = next(iter(photos.items()))
    first = client.score(batch, {name: content}).items[name]
    notification = client.put(f"{batch}-again", name, content)
    thing = notification["Records"][0]["s3"]["object"] | {"key": f"uploads/e2e/{batch}/{name}"}
    del thing["versionId"]

    def deliver(sequencer: str) -> Item:
        event = {"Records": [notification["Records"][0] | {"s3": notification["Records"][0]["s3"] | {"object": thing}}]}
        thing["sequencer"] = sequencer
        function = client.outputs["functions"]["score"]
        answer = client.lambda_.invoke(FunctionName=function, Payload=json.dumps(event))
        assert "FunctionError" not in answer, answer["Payload"].read()
        return client.items(batch)[name]

    assert deliver("0" * 16) == first, "a late event replaced the record"
    later = deliver("F" * 16)
    assert later["scored_at"] != first["scored_at"]
    assert deliver("F" * 16) == later, "the second delivery replaced the record"


REFUSED: dict[str, tuple[str, Call]] = {
    "score may not write photos": (
        "score",
        lambda of, client: of("s3").put_object(Bucket=client.deployment["uploads_bucket"], Key="uploads/a/b/c.jpg"),
    ),
    "score may not read models": (
        "score",
        lambda of, client: of("s3").list_objects_v2(Bucket=client.outputs["artefacts_bucket"]),
    ),
    "score may not delete records": (
        "score",
        lambda of, client: of("dynamodb").delete_item(
            TableName=client.deployment["results_table"], Key={"pk": {"S": "TENANT#a#BATCH#b"}, "sk": {"S": "BATCH"}}
        ),
    ),
    "score may not ask for heatmaps": (
        "score",
        lambda of, client: of("sqs").send_message(QueueUrl=client.deployment["jobs_queue_url"], MessageBody="{}"),
    ),
    "publish may not read photos": (
        "publish",
        lambda of, client: of("s3").list_objects_v2(Bucket=client.deployment["uploads_bucket"]),
    ),
    "publish may not upload models": (
        "publish",
        lambda of, client: of("s3").put_object(Bucket=client.outputs["artefacts_bucket"], Key="models/a/1/x"),
    ),
    "publish may not read all records": (
        "publish",
        lambda of, client: of("dynamodb").scan(TableName=client.deployment["results_table"]),
    ),
    "workers may not write photos": (
        "heatmap_workers",
        lambda of, client: of("s3").put_object(Bucket=client.deployment["uploads_bucket"], Key="uploads/a/b/c.jpg"),
    ),
    "workers may not read models": (
        "heatmap_workers",
        lambda of, client: of("s3").list_objects_v2(Bucket=client.outputs["artefacts_bucket"]),
    ),
    "workers may not take photos from the queue": (
        "heatmap_workers",
        lambda of, client: of("sqs").receive_message(QueueUrl=client.outputs["score_queue"]["url"]),
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_roles_are_refused_what_they_were_not_granted(client: PlatformClient, what: str) -> None:
    role, call = REFUSED[what]
    with pytest.raises(ClientError) as refusal:
        call(client_as(client, role), client)
    assert refusal.value.response["Error"]["Code"].startswith("AccessDenied")


def test_a_role_may_do_what_it_was_granted(client: PlatformClient) -> None:
    listed = client_as(client, "publish")("s3").list_objects_v2(Bucket=client.outputs["artefacts_bucket"])
    assert listed["KeyCount"] > 0


def client_as(client: PlatformClient, role: str) -> Callable[[str], Any]:
    """Makes clients with a role's rights; on AWS only the role's own service could take it."""
    arn = client.outputs["roles"][role]
    keys = client.sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    session: Any = boto3.Session(
        keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=client.deployment["region"]
    )

    def make(service: str) -> Any:
        return session.client(service, endpoint_url=client.endpoint_url)

    return make


def test_what_failed_for_good_waits_and_is_finished_by_a_redrive(
    platform: LocalPlatform, client: PlatformClient, photos: Mapping[str, bytes], batch: str
) -> None:
    queue, failures = (client.outputs["score_queue"]["url"], client.outputs["failure_queues"]["score"]["url"])
    client.sqs.purge_queue(QueueUrl=failures)
    name, content = next(iter(photos.items()))
    with impatient(client, queue), client.failing("score"):
        client.put(batch, name, content)
        wait_until(lambda: waiting(client, failures) == 1, "the event did not reach the failure queue")
    assert not client.items(batch)

    environment = os.environ | platform.emulator.client_environment
    arguments = ["--queue-url", failures, "--function", client.outputs["functions"]["score"]]
    redrive = [sys.executable, "-m", "scripts.redrive", *arguments]
    done = subprocess.run(redrive, check=False, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout) == (0, "1 finished, 0 failed again\n"), done.stderr
    assert scored(client.items(batch)[name])
    assert waiting(client, failures) == 0


class impatient:  # noqa: N801 - a context, used as a verb is
    """Meanwhile a queue brings a message again after a second, not after minutes."""

    def __init__(self, client: PlatformClient, queue_url: str) -> None:
        self._sqs, self._url = client.sqs, queue_url
        self._before = self._sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["VisibilityTimeout"])

    def __enter__(self) -> None:
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"VisibilityTimeout": "1"})

    def __exit__(self, *_error: object) -> None:
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes=self._before["Attributes"])


def waiting(client: PlatformClient, queue_url: str) -> int:
    name = "ApproximateNumberOfMessages"
    found = client.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=[name])
    return int(found["Attributes"][name])


def wait_until(is_so: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + RECORD_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, complaint
        time.sleep(POLL_SECONDS)


def test_a_version_that_is_published_during_uploads_replaces_the_other_cleanly(
    platform: LocalPlatform, client: PlatformClient, photos: Mapping[str, bytes], batch: str, tmp_path: Path
) -> None:
    another = republished(platform.models, tmp_path / "store")
    before = scored(client.score(f"{batch}-before", dict([next(iter(photos.items()))])).items[next(iter(photos))])
    with ThreadPoolExecutor(1) as pool:
        publication = pool.submit(publish, client, another)
        storm = [client.score(f"{batch}-0", photos)]
        while not publication.done():
            storm.append(client.score(f"{batch}-{len(storm)}", photos))
    ensemble = publication.result()["ensemble"]["S"]
    assert ensemble != before.ensemble
    time.sleep(ALIAS_SECONDS)
    storm.append(client.score(f"{batch}-after", photos))
    publish(client, platform.models)  # the next test finds the version that it knows

    found = [scored(item) for done in storm for item in done.items.values()]
    assert {(one.ensemble, *models_of(one)) for one in found} == {
        (before.ensemble, *models_of(before)),
        (ensemble, str(another.manifest(MODEL).ref)),
    }
    assert {scored(item).ensemble for item in storm[-1].items.values()} == {ensemble}


def republished(models: ModelStore, folder: Path) -> ModelStore:
    """A store with the model under a version of its own, with the same parameters."""
    manifest = models.manifest(MODEL)
    version = f"{manifest.version}-{time.time_ns()}"
    target = folder / "models" / MODEL / version
    shutil.copytree(models.path(manifest.ref), target, ignore=shutil.ignore_patterns("compiled"))
    document = json.loads((target / MANIFEST_FILE).read_text()) | {"version": version}
    (target / MANIFEST_FILE).write_text(json.dumps(document))
    return ModelStore(folder)


def publish(client: PlatformClient, models: ModelStore) -> dict[str, Any]:
    bucket, table = client.outputs["artefacts_bucket"], client.deployment["results_table"]
    return publish_model(client.s3, client.dynamodb, bucket, table, models, MODEL)


def models_of(found: ScoredRecord) -> list[str]:
    return [model.model for measure in found.measures.values() for model in measure.models]
