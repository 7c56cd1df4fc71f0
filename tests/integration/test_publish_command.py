"""`memorability models publish --deployment` over emulated services, with the real publisher in a thread."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from functions.events import ObjectEvent
from functions.publish.artefacts import UploadedModel
from functions.publish.publisher import Publisher
from memorability import main
from model_store.aws.objects import Objects
from model_store.aws.table import Table
from model_store.runtime.compiling import compile_for_fleet
from model_store.runtime.ensembles import EnsembleSpec
from model_store.store import ModelStore
from tests.integration.calls import ARTEFACTS, REGION, RESULTS, UPLOADS
from tests.unit import tiny_models
from tests.unit.training.photos import write_dataset
from training.data import load_dataset
from training.heads.settings import HeadSettings
from training.training import TrainingOptions, train

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

type Command = Callable[..., "Result"]


@dataclass(frozen=True)
class Result:
    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture
def local(published: Path, tmp_path: Path) -> ModelStore:
    """The store of whoever trains; the deployment's volume is `store`."""
    return ModelStore(shutil.copytree(published, tmp_path / "local"))


@pytest.fixture
def run(local: ModelStore, tmp_path: Path) -> Path:
    """The folder of a finished run."""
    dataset = load_dataset(write_dataset(tmp_path / "scenes", 50))
    settings = HeadSettings(components=16, penalties=(0.1,), folds=2, inner_folds=2)
    options = TrainingOptions(name="scenes", trunks=("first",), heads=settings)
    return train(local, dataset, options, tmp_path / "cache", tmp_path / "run").folder


@pytest.fixture
def command(
    s3: "S3Client",
    local: ModelStore,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    environment: pytest.MonkeyPatch,
) -> Command:
    """Runs `models publish` over the local store, for the deployment whose volume is `store`."""
    s3.put_bucket_versioning(Bucket=ARTEFACTS, VersioningConfiguration={"Status": "Enabled"})
    deployment = tmp_path / "deployment.json"
    names = {"region": REGION, "uploads_bucket": UPLOADS, "results_table": RESULTS, "artefacts_bucket": ARTEFACTS}
    deployment.write_text(json.dumps(names))

    def publish(*arguments: str | Path) -> Result:
        capsys.readouterr()
        options = ("--store", local.root, "--deployment", deployment)
        with pytest.raises(SystemExit) as exited:
            main.run([str(argument) for argument in ("models", "publish", *arguments, *options)])
        output = capsys.readouterr()
        return Result(int(exited.value.code or 0), output.out, output.err)

    return publish


@contextmanager
def publishing(s3: "S3Client", dynamodb: "DynamoDBClient", volume: ModelStore) -> Iterator[None]:
    """Publishes every manifest that appears, as the function does that S3 calls."""
    publisher = Publisher(Objects(s3, ARTEFACTS), Table(dynamodb, RESULTS), volume, compile_for_fleet, keep_versions=9)
    ended, seen = threading.Event(), set[str]()

    def work() -> None:
        while not ended.wait(0.05):
            for found in s3.list_object_versions(Bucket=ARTEFACTS).get("Versions", []):
                key, version = found["Key"], found["VersionId"]
                if key.endswith("/manifest.json") and version not in seen:
                    seen.add(version)
                    _, name, model_version, _ = key.split("/")
                    event = ObjectEvent("ObjectCreated:Put", ARTEFACTS, key, None, version, f"{len(seen):04}")
                    publisher.publish(UploadedModel(name, model_version, event))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_a_run_is_served_by_a_deployment_once_its_trunk_is_there(
    command: Command, run: Path, store: ModelStore, s3: "S3Client", dynamodb: "DynamoDBClient"
) -> None:
    too_early = command(run, "--alias", "live", "--version", "1")
    assert too_early.exit_code == 1
    assert "scenes@1 reads the features of first@1, which the deployment does not have" in too_early.stderr
    assert "Contents" not in s3.list_objects_v2(Bucket=ARTEFACTS), "something was uploaded"

    with publishing(s3, dynamodb, store):
        trunk = command("first")
        told = command(run, "--alias", "live", "--version", "1")

    assert (trunk.exit_code, told.exit_code) == (0, 0), trunk.stderr + told.stderr
    assert "scenes@1 is published, alone in scenes@1; live → scenes@1" in told.stdout
    assert "Tiny Non-commercial License — non-commercial use only" in told.stdout
    assert "Uploading scenes@1" in told.stderr
    assert store.aliases() == {"live": "scenes@1"}
    models = EnsembleSpec.of_ensemble(store, "live").load().models
    assert models.keys() == {"scenes@1", "first@1"}
    assert all(model.programs.ahead_of_time for model in models.values())
    assert models["scenes@1"](tiny_models.images(1)).shape == (1,)


def test_the_publishers_refusal_is_told(
    command: Command, store: ModelStore, s3: "S3Client", dynamodb: "DynamoDBClient"
) -> None:
    """The deployment has an ensemble of the alias's name."""
    with publishing(s3, dynamodb, store):
        refused = command("first", "--alias", "default")

    assert refused.exit_code == 1
    assert "first@1 was refused: InvalidRequestError: default is an ensemble" in refused.stderr
    assert store.aliases() == {"live": "default@1"}
