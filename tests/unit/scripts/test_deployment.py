"""`make plan`, `make deploy`, `make destroy`: what they ask of Terraform and of the account, in which order."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from memorability.batches import Clock, PhotoBucket, RecordTable
from memorability.deployments import Deployment, read_deployment
from model_store.items import PhotoRecord
from model_store.records import MeasureResult, ModelScore, ScoredRecord
from model_store.store import Measure, ModelStore
from model_store.uploads import BatchKey
from scripts.deployment.errors import DeploymentError
from scripts.deployment.steps import SMOKE_SECONDS, SMOKE_TENANT, Release, deploy, destroy, smoke_test
from scripts.deployment.terraform import CODE, SystemShell, Terraform
from scripts.install_bundle import Bundle
from scripts.packaging.architecture import Architecture

CLIENTS_NEED = {"region": "eu-central-1", "uploads_bucket": "photos", "results_table": "results", "api_url": None}
OUTPUTS = {
    "deployment": CLIENTS_NEED,
    "artefacts_bucket": "artefacts",
    "functions": {"score": "acme-score", "publish": "acme-publish"},
}
TABLE = {"address": "module.results.aws_dynamodb_table.this", "type": "aws_dynamodb_table"}
BUCKET = {"address": "module.image_intake.module.uploads.aws_s3_bucket.this", "type": "aws_s3_bucket"}
USERS = {"address": "module.web_app[0].aws_cognito_user_pool.this", "type": "aws_cognito_user_pool"}


def state(*, protected: bool) -> dict[str, Any]:
    """As `terraform show -json` tells it, with modules in modules."""
    values = {
        "table": TABLE | {"values": {"deletion_protection_enabled": protected}},
        "bucket": BUCKET | {"values": {"force_destroy": not protected}},
        "users": USERS | {"values": {"deletion_protection": "ACTIVE" if protected else "INACTIVE"}},
        "key": {"address": "aws_kms_key.data", "type": "aws_kms_key", "values": {}},
    }
    intake = {"child_modules": [{"resources": [values["bucket"]]}]}
    others = [{"resources": [values["table"]]}, {"resources": [values["users"]]}]
    return {"values": {"root_module": {"resources": [values["key"]], "child_modules": [intake, *others]}}}


@dataclass
class World:
    """Terraform's shell and the account in one, so that the order of what happens in both is seen."""

    applied: bool = False
    protected: bool = True
    published: bool = False
    failing: str = ""
    happened: list[str] = field(default_factory=list)
    commands: list[Sequence[str]] = field(default_factory=list)
    uploaded: dict[str, BatchKey] = field(default_factory=dict)
    scores: bool = True
    has_functions: bool = True

    def show(self, command: Sequence[str]) -> int:
        self.commands.append(command)
        action = command[2]
        self.happened.append(action)
        if action == self.failing:
            return 1
        self.applied = self.applied or action == "apply"
        return 0

    def read(self, command: Sequence[str]) -> str:
        if command[2] == "show":
            return json.dumps(state(protected=self.protected) if self.applied else {"format_version": "1.0"})
        return json.dumps({name: {"value": value} for name, value in OUTPUTS.items()} if self.applied else {})

    def has_publisher(self, outputs: dict[str, Any]) -> bool:
        return bool(outputs) and self.has_functions

    def install_bundle(self, outputs: dict[str, Any], bundle: Bundle) -> None:
        assert outputs == OUTPUTS
        self.happened.append(f"install {bundle.digest}")

    def is_published(self, outputs: dict[str, Any], store: ModelStore, ref: str) -> bool:
        return self.published

    def publish_model(self, outputs: dict[str, Any], store: ModelStore, ref: str) -> None:
        self.happened.append(f"publish {ref}")

    def photos(self, deployment: Deployment) -> PhotoBucket:
        return self

    def records(self, deployment: Deployment) -> RecordTable:
        return WorldsTable(self)

    def put(self, key: str, photo: Path) -> str | None:
        photo.read_bytes()
        _, tenant, batch, name = key.split("/")
        self.uploaded[name] = BatchKey(tenant, batch)
        return "1"


@dataclass
class WorldsTable:
    """Records of what was uploaded."""

    world: World

    def records(self, batch: BatchKey) -> list[PhotoRecord]:
        names = [name for name, of in self.world.uploaded.items() if of == batch and self.world.scores]
        return [PhotoRecord(name, "default", "1", scored(name)) for name in names]


def scored(name: str) -> ScoredRecord:
    models = (ModelScore(model="resmem@1.1.6", score=0.8),)
    result = MeasureResult(score=0.8, percentile=None, spread=0.0, models=models)
    return ScoredRecord(file=name, width=4, height=3, ensemble="default@1", measures={Measure.HIT_RATE: result})


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """A folder with the two files that a team writes."""
    for name in ("backend.hcl", "variables.tfvars"):
        (tmp_path / name).touch()
    return tmp_path


def terraform(world: World, settings: Path) -> Terraform:
    return Terraform(world, settings, settings / "manifest.json", Architecture.ARM64)


def bring_up(world: World, settings: Path, *, approved: bool = False) -> Path:
    file = settings / "build" / "deployment.json"
    release = Release((Bundle("d1", settings / "runtime.tar.gz"),), ModelStore(settings / "store"), "resmem")
    deploy(terraform(world, settings), world, release, file, lambda text: None, approved=approved)
    return file


def test_a_first_deployment_is_applied_then_filled(settings: Path) -> None:
    world = World()
    bring_up(world, settings)
    assert world.happened == ["init", "apply", "install d1", "publish resmem"]


def test_clients_are_told_where_the_deployment_is(settings: Path) -> None:
    file = bring_up(World(), settings)
    assert json.loads(file.read_text()) == {"endpoint_url": None} | CLIENTS_NEED
    assert read_deployment(file).uploads_bucket == "photos"


def test_an_update_brings_the_dependencies_before_the_functions_that_need_them(settings: Path) -> None:
    world = World(applied=True, published=True)
    bring_up(world, settings)
    assert world.happened == ["init", "install d1", "apply", "install d1"]


def test_after_half_a_deployment_the_other_half_is_made(settings: Path) -> None:
    world = World(applied=True, has_functions=False)
    bring_up(world, settings)
    assert world.happened == ["init", "apply", "install d1", "publish resmem"]


def test_a_failing_application_ends_the_deployment(settings: Path) -> None:
    world = World(failing="apply")
    with pytest.raises(DeploymentError, match="terraform apply ended with 1"):
        bring_up(world, settings)
    assert world.happened == ["init", "apply"]
    assert not (settings / "build").exists()


def test_terraform_gets_the_teams_files_and_the_packages(settings: Path) -> None:
    world = World()
    bring_up(world, settings)
    init, apply = world.commands
    assert init == ["terraform", f"-chdir={CODE}", "init", "-reconfigure", f"-backend-config={settings}/backend.hcl"]
    assert apply[:3] == ["terraform", f"-chdir={CODE}", "apply"]
    assert apply[3:] == [
        f"-var-file={settings}/variables.tfvars",
        f"-var=lambda_packages_file={settings}/manifest.json",
        "-var=architecture=arm64",
    ]


@pytest.mark.parametrize("approved", [False, True])
def test_terraform_asks_unless_it_is_approved(settings: Path, approved: bool) -> None:
    world = World()
    bring_up(world, settings, approved=approved)
    assert ("-auto-approve" in world.commands[-1]) is approved


@pytest.mark.parametrize("name", ["backend.hcl", "variables.tfvars"])
def test_a_file_that_is_missing_is_named_before_anything_runs(settings: Path, name: str) -> None:
    (settings / name).unlink()
    world = World()
    with pytest.raises(DeploymentError, match=f"{name} is missing: docs/aws-quickstart.md"):
        terraform(world, settings).init()
    assert not world.commands


def test_a_plan_changes_nothing(settings: Path) -> None:
    world = World()
    terraform(world, settings).plan()
    assert world.happened == ["plan"]


def test_the_smoke_test_gives_the_photos_record_and_the_seconds(tmp_path: Path) -> None:
    (tmp_path / "rocket.jpg").touch()
    world, times = World(), iter([100.0, 101.0, 102.0, 107.5])
    trial = smoke_test(world, Deployment(**CLIENTS_NEED), tmp_path / "rocket.jpg", Clock(lambda: next(times)))
    assert trial.record == scored("rocket.jpg")
    assert trial.seconds == 7.5
    assert world.uploaded["rocket.jpg"].tenant == SMOKE_TENANT


def test_a_smoke_test_without_a_record_says_where_to_look(tmp_path: Path) -> None:
    (tmp_path / "rocket.jpg").touch()
    times = iter(range(0, 10 * SMOKE_SECONDS, SMOKE_SECONDS))
    with pytest.raises(DeploymentError, match="no record after 300 s: see the scorer's log"):
        smoke_test(
            World(scores=False),
            Deployment(**CLIENTS_NEED),
            tmp_path / "rocket.jpg",
            Clock(lambda: next(times), lambda seconds: None),
        )


def test_a_smoke_test_needs_its_photo(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match="none.jpg cannot be read: No such file"):
        smoke_test(World(), Deployment(**CLIENTS_NEED), tmp_path / "none.jpg")


def take_down(world: World, settings: Path, answer: str) -> str:
    file = settings / "deployment.json"
    file.touch()
    told: list[str] = []
    try:
        destroy(terraform(world, settings), file, lambda question: answer, told.append)
    finally:
        assert file.exists() is ("destroy" not in world.happened)
    return "".join(told)


def test_a_removal_says_what_is_lost_and_needs_the_deployments_name(settings: Path) -> None:
    world = World(applied=True, protected=False)
    told = take_down(world, settings, "acme\n")
    assert world.happened == ["init", "destroy"]
    assert "-auto-approve" not in world.commands[-1]
    assert all(
        what in told for what in ("Removing acme", "all photos", "all records", "all models", "users", "the key")
    )


@pytest.mark.parametrize("answer", ["", "y", "yes", "acme-score"])
def test_any_other_answer_removes_nothing(settings: Path, answer: str) -> None:
    world = World(applied=True, protected=False)
    with pytest.raises(DeploymentError, match="Nothing was removed"):
        take_down(world, settings, answer)
    assert world.happened == ["init"]


def test_protected_data_stops_a_removal_before_it_begins(settings: Path) -> None:
    """Terraform itself would notice when half of the deployment is gone."""
    world = World(applied=True, protected=True)
    with pytest.raises(DeploymentError, match="allow_destroy_of_data = true") as error:
        take_down(world, settings, "acme")
    assert all(found["address"] in str(error.value) for found in (TABLE, BUCKET, USERS))
    assert world.happened == ["init"]


def test_where_nothing_is_deployed_nothing_is_removed(settings: Path) -> None:
    world = World()
    with pytest.raises(DeploymentError, match="Nothing is deployed"):
        take_down(world, settings, "acme")
    assert world.happened == ["init"]


def test_the_system_shell_reads_and_fails() -> None:
    shell = SystemShell()
    assert shell.read([sys.executable, "-c", "print(7)"]) == "7\n"
    assert shell.show([sys.executable, "-c", "raise SystemExit(3)"]) == 3
    with pytest.raises(DeploymentError, match="(?s)ended with 1:.*gone wrong"):
        shell.read([sys.executable, "-c", "raise SystemExit('gone wrong')"])


def test_a_terraform_that_is_not_there_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeploymentError, match=r"terraform is not on the PATH: install version 1\.11 or later"):
        SystemShell().show(["terraform", "version"])
