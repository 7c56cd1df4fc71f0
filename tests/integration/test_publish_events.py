"""Uploads to the bucket of artefacts, through the handler: models, bundles, and what is neither."""

import hashlib
import io
import json
import os
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError

from functions.events import object_events
from functions.publish.artefacts import UploadedModel, find_artefacts
from functions.publish.publisher import Publisher
from model_store.archives import ArchiveError
from model_store.aws.objects import Objects
from model_store.aws.table import Table
from model_store.golden import golden_image
from model_store.runtime.compiling import fleet_targets
from model_store.runtime.ensembles import EnsembleSpec
from model_store.store import ModelStore
from model_store.store.layout import COMPILED_FOLDER, MANIFEST_FILE, PARAMETERS_FILE
from model_store.store.manifest import GoldenCase
from tests.integration.calls import ARTEFACTS, RESULTS, UPLOADS, Context, Event, load_event, metrics_in, photo
from tests.integration.conftest import ColdStart, Items, Trouble
from tests.unit import tiny_models
from tests.unit.store.samples import accept, litter

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

type Handle = Callable[[Event], None]

FOLDER = "models/third/1/"


@pytest.fixture
def handle(cold_start: ColdStart) -> Handle:
    handler = cold_start("functions.publish.handler")
    return lambda event: handler.handle(event, Context())


@pytest.fixture
def model(published: Path, s3: "S3Client", tmp_path: Path) -> str:
    """Uploads a model that wishes to join `default` and to move `live`; returns the version of its manifest."""
    scratch = ModelStore(tmp_path / "scratch")
    compiled = tiny_models.with_executables_of(published / "models" / "first" / "1")
    manifest = tiny_models.publish(scratch, "third", seed=7, check=compiled)
    score = float(tiny_models.plain_scores(7, golden_image(0, tiny_models.CROP)[None])[0])
    request = manifest.model_dump(mode="json") | {"ensemble": "default", "alias": "live"}
    request["golden"] = [GoldenCase(seed=0, score=score, tolerance=1e-4).model_dump()]
    s3.put_bucket_versioning(Bucket=ARTEFACTS, VersioningConfiguration={"Status": "Enabled"})
    parameters = (scratch.path("third") / PARAMETERS_FILE).read_bytes()
    s3.put_object(Bucket=ARTEFACTS, Key=FOLDER + PARAMETERS_FILE, Body=parameters)
    return s3.put_object(Bucket=ARTEFACTS, Key=FOLDER + MANIFEST_FILE, Body=json.dumps(request).encode())["VersionId"]


def record(table: Table) -> dict[str, object]:
    item = table.get({"pk": "PUBLICATION#third", "sk": "1"})
    assert item
    return item


def test_an_uploaded_model_is_compiled_tried_and_scores(
    model: str,
    handle: Handle,
    table: Table,
    store: ModelStore,
    cold_start: ColdStart,
    s3: "S3Client",
    items: Items,
    capsys: pytest.CaptureFixture[str],
) -> None:
    handle(load_event("s3_manifest", versionId=model))

    assert (record(table)["status"], record(table)["ensemble"]) == ("published", "default@2")
    assert metrics_in(capsys.readouterr().out) == {"ModelsPublished": 1, "ModelsRefused": 0}
    compiled = {path.name for path in (store.path("third") / COMPILED_FOLDER).iterdir()}
    assert compiled == {target.name for target in fleet_targets()}
    assert all(m.programs.ahead_of_time for m in EnsembleSpec.of_model(store, "third").load().models.values())

    s3.put_object(Bucket=UPLOADS, Key="uploads/acme/spring/beach.jpg", Body=photo())
    cold_start("functions.score.handler").handle(load_event("s3_put"), Context())
    scored = next(item for item in items() if item["pk"].startswith("TENANT#"))
    assert scored["ensemble"] == "default@2"
    assert "third@1" in [result["model"] for result in scored["measures"]["hit_rate"]["models"]]

    before = store.aliases(), record(table)
    handle(load_event("s3_manifest", versionId=model))
    assert (store.aliases(), record(table)) == before, "the doubled event changed something"


def test_a_model_that_is_altered_on_its_way_is_refused(
    model: str,
    handle: Handle,
    table: Table,
    store: ModelStore,
    s3: "S3Client",
    capsys: pytest.CaptureFixture[str],
) -> None:
    body = s3.get_object(Bucket=ARTEFACTS, Key=FOLDER + PARAMETERS_FILE)["Body"].read()
    s3.put_object(Bucket=ARTEFACTS, Key=FOLDER + PARAMETERS_FILE, Body=body[:-1] + bytes([body[-1] ^ 1]))

    handle(load_event("s3_manifest", versionId=model))

    assert record(table)["status"] == "refused"
    assert "third@1 do not have the digests" in str(record(table)["error"])
    assert metrics_in(capsys.readouterr().out) == {"ModelsPublished": 0, "ModelsRefused": 1}
    assert "third" not in {manifest.name for manifest in store.models().items}
    assert store.aliases() == {"live": "default@1"}


# The record of the publication, the manifest, the parameters, the places in the ensemble and of the alias, the record.
@pytest.mark.parametrize("calls_before", range(6))
def test_cut_off_at_any_call_of_aws_a_publication_is_resumed(
    calls_before: int, model: str, table: Table, store: ModelStore, trouble: Callable[..., Trouble]
) -> None:
    (upload,) = find_artefacts(object_events(load_event("s3_manifest", versionId=model)), ARTEFACTS)
    assert isinstance(upload, UploadedModel)
    fault = trouble("", 500, "InternalError", calls_before=calls_before)
    publisher = Publisher(
        Objects(boto3.client("s3"), ARTEFACTS), Table(boto3.client("dynamodb"), RESULTS), store, accept, keep_versions=9
    )
    with pytest.raises(ClientError, match="InternalError"):
        publisher.publish(upload)
    fault.is_over = True
    assert store.aliases()["live"] == ("default@2" if calls_before == 5 else "default@1")
    assert not litter(store.root)

    publisher.publish(upload)

    assert store.verify("third").ref == "third@1"
    assert store.aliases() == {"live": "default@2"}
    assert record(table)["status"] == "published"


def bundle() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo("jaxlib/__init__.py")
        member.size = 5
        archive.addfile(member, io.BytesIO(b"x = 1"))
    return buffer.getvalue()


def bundle_event(digest: str) -> Event:
    return load_event("s3_bundle", key=f"runtime/{digest}.tar.gz")


def test_an_uploaded_bundle_is_installed_once(
    handle: Handle, s3: "S3Client", store: ModelStore, trouble: Callable[..., Trouble]
) -> None:
    digest = hashlib.sha256(bundle()).hexdigest()
    s3.put_object(Bucket=ARTEFACTS, Key=f"runtime/{digest}.tar.gz", Body=bundle())

    handle(bundle_event(digest))

    assert (store.root / "runtime" / digest / "jaxlib" / "__init__.py").read_bytes() == b"x = 1"
    s3.delete_object(Bucket=ARTEFACTS, Key=f"runtime/{digest}.tar.gz")
    handle(bundle_event(digest))


def test_a_bundle_that_is_rolled_back_to_is_there_afterwards(handle: Handle, s3: "S3Client", store: ModelStore) -> None:
    digest = hashlib.sha256(bundle()).hexdigest()
    runtime = store.root / "runtime"
    for days, name in enumerate(("a" * 64, "b" * 64, digest), start=2):
        (runtime / name).mkdir(parents=True)
        installed = time.time() - days * 86_400
        os.utime(runtime / name, (installed, installed))

    handle(bundle_event(digest))

    assert (runtime / digest).is_dir()
    assert {path.name for path in runtime.iterdir()} == {"a" * 64, digest}


def test_a_bundle_with_another_digest_is_raised(handle: Handle, s3: "S3Client", store: ModelStore) -> None:
    s3.put_object(Bucket=ARTEFACTS, Key=f"runtime/{'0' * 64}.tar.gz", Body=bundle())

    with pytest.raises(ArchiveError, match="has the SHA-256"):
        handle(load_event("s3_bundle"))

    assert not list((store.root / "runtime").iterdir())


@pytest.mark.parametrize("event", ["s3_model_parameters", "s3_test_event", "s3_put", "s3_removed_delete"])
def test_other_objects_are_ignored(event: str, handle: Handle, items: Items, caplog: pytest.LogCaptureFixture) -> None:
    handle(load_event(event))

    assert not items()
    assert [message for message in caplog.messages if message.startswith("ignored: ")]
