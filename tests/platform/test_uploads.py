"""Photos on the deployed platform, on this machine: this Terraform, these packages, the published weights.

Figures to reach on two cores: 20 photos from the first upload to the last record in 8 s where the containers are warm,
in 20 s where all are cold. They are printed, and no test fails by them: the machine may have other things to do.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from model_store.publications import Publication
from model_store.records import FailedRecord, ScoredRecord
from model_store.store import ModelStore
from model_store.store.layout import MANIFEST_FILE
from scripts.local_platform.platform import MODEL, LocalPlatform
from scripts.publish_model import publish_model
from tests.e2e.conftest import ROOT, Command
from tests.platform.platform_client import Item, PlatformClient, wait_until
from tests.platform.records import assert_same, models_of, record, scored

# Warm containers read an alias at most every 30 s.
ALIAS_SECONDS = 30.0


def test_photos_get_the_records_that_the_command_prints(
    client: PlatformClient,
    photos: Mapping[str, bytes],
    expected: Mapping[str, ScoredRecord],
    batch: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    n_ended = client.end_containers("score")
    cold = client.score(f"{batch}-cold", photos)
    warm = client.score(f"{batch}-warm", photos)
    with capsys.disabled():
        print(f"\ncold, {n_ended} containers ended before: {cold}\nwarm: {warm}")

    for done in (cold, warm):
        assert set(done.items) == set(photos)
        for name, item in done.items.items():
            assert_same(scored(item), expected[name])


def test_upload_command_prints_what_the_score_command_prints(
    platform: LocalPlatform,
    photos: Mapping[str, bytes],
    expected: Mapping[str, ScoredRecord],
    photo_folder: Path,
    command: Command,
    home: Mapping[str, str],
    batch: str,
) -> None:
    names = list(photos)[:3]
    options = ["--deployment", platform.deployment_file, "--batch", batch, "--json"]

    uploaded = command("upload", *(photo_folder / name for name in names), *options, **home)
    shown = command("results", batch, "--deployment", platform.deployment_file, "--json", **home)

    assert (uploaded.returncode, shown.returncode) == (0, 0), uploaded.stderr + shown.stderr
    for printed in (uploaded, shown):
        found = {Path(one.file).name: one for one in map(ScoredRecord.model_validate_json, printed.stdout.splitlines())}
        assert set(found) == set(names)
        for name, one in found.items():
            assert_same(one, expected[name])


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
    client.remove(batch)


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


def test_what_failed_for_good_waits_and_is_finished_by_a_redrive(
    platform: LocalPlatform,
    client: PlatformClient,
    photos: Mapping[str, bytes],
    home: Mapping[str, str],
    batch: str,
) -> None:
    queue, failures = (client.outputs["score_queue"]["url"], client.outputs["failure_queues"]["score"]["url"])
    client.sqs.purge_queue(QueueUrl=failures)
    name, content = next(iter(photos.items()))
    with impatient(client, queue), client.failing("score"):
        client.put(batch, name, content)
        wait_until(lambda: client.waiting(failures) == 1, "the event did not reach the failure queue")
    assert not client.items(batch)

    environment = os.environ | home | platform.emulator.client_environment
    arguments = ["--queue-url", failures, "--function", client.outputs["functions"]["score"]]
    redrive = [sys.executable, "-m", "scripts.redrive", *arguments]
    done = subprocess.run(redrive, check=False, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout) == (0, "1 finished, 0 failed again\n"), done.stderr
    assert scored(client.items(batch)[name])
    assert client.waiting(failures) == 0


class impatient:  # noqa: N801 - a context, used as a verb is
    """Meanwhile a queue brings a message again after a second, not after minutes."""

    def __init__(self, client: PlatformClient, queue_url: str) -> None:
        self._sqs, self._url = client.sqs, queue_url
        self._before = self._sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["VisibilityTimeout"])

    def __enter__(self) -> None:
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"VisibilityTimeout": "1"})

    def __exit__(self, *_error: object) -> None:
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes=self._before["Attributes"])


def test_a_version_that_is_published_during_uploads_replaces_the_other_cleanly(
    platform: LocalPlatform, client: PlatformClient, photos: Mapping[str, bytes], batch: str, tmp_path: Path
) -> None:
    another = republished(platform.models, tmp_path / "store")
    before = scored(client.score(f"{batch}-before", dict([next(iter(photos.items()))])).items[next(iter(photos))])
    try:
        with ThreadPoolExecutor(1) as pool:
            publication = pool.submit(publish, client, another)
            storm = [client.score(f"{batch}-0", photos)]
            while not publication.done():
                storm.append(client.score(f"{batch}-{len(storm)}", photos))
        ensemble = publication.result().ensemble
        assert ensemble != before.ensemble
        time.sleep(ALIAS_SECONDS)
        storm.append(client.score(f"{batch}-after", photos))
    finally:
        publish(client, platform.models)  # other tests find the version that they know

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


def publish(client: PlatformClient, models: ModelStore) -> Publication:
    bucket, table = client.outputs["artefacts_bucket"], client.deployment["results_table"]
    return publish_model(client.s3, client.dynamodb, bucket, table, models, MODEL)
