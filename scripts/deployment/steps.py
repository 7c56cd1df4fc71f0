"""Makes, tries and removes a deployment."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from memorability.batches import SYSTEM_CLOCK, Clock, await_records, batch_key, new_batch_name, upload_photos
from memorability.deployments import Deployment
from model_store.records import FailedRecord, ScoredRecord
from model_store.store import ModelStore
from scripts.deployment.account import Account
from scripts.deployment.errors import DeploymentError
from scripts.deployment.terraform import Terraform
from scripts.install_bundle import Bundle

SMOKE_TENANT = "smoke-test"
SMOKE_SECONDS = 300  # a first container mounts the volume and loads the model, and a failed call is repeated

WHAT_IS_LOST = (
    "all photos in the uploads bucket, with their versions",
    "all records: scores, batches and what became of publications",
    "all heatmaps",
    "all models and bundles, on the volume and in the artefacts bucket",
    "the page and its users, if there is a page",
    "the key that all of it is encrypted with, and so every backup that AWS still keeps of it, after seven days",
)

type Report = Callable[[str], None]


@dataclass(frozen=True)
class Release:
    """What is deployed beside the infrastructure.

    Attributes:
        bundles: the functions' dependencies, and the heatmap workers' where they are packaged.
        store: where the model is taken from.
        model: `name@version`, or the name of its newest version.
    """

    bundles: tuple[Bundle, ...]
    store: ModelStore
    model: str


@dataclass(frozen=True)
class Trial:
    """What the smoke test saw; seconds from before the upload until the record was read."""

    record: ScoredRecord | FailedRecord
    seconds: float


def deploy(
    terraform: Terraform, account: Account, release: Release, deployment_file: Path, report: Report, *, approved: bool
) -> Deployment:
    """Brings a deployment up, or up to date, and writes where it is.

    Raises:
        MemorabilityError: a step failed; what was done before it stays, and doing all again goes on from there.
    """
    terraform.init()
    running = terraform.outputs()
    if account.has_publisher(running):
        report("Installing the new functions' dependencies beside those in use")
        _install(account, running, release)
    terraform.apply(approved=approved)
    outputs = terraform.outputs()
    described = {"endpoint_url": None} | outputs["deployment"]
    deployment_file.parent.mkdir(parents=True, exist_ok=True)
    deployment_file.write_text(json.dumps(described, indent=2) + "\n")
    report("Installing the functions' dependencies")
    _install(account, outputs, release)
    if account.is_published(outputs, release.store, release.model):
        report(f"{release.model} was published before, and what is live stays so")
    else:
        report(f"Publishing {release.model}")
        account.publish_model(outputs, release.store, release.model)
    return Deployment.model_validate(described)


def smoke_test(account: Account, deployment: Deployment, photo: Path, clock: Clock = SYSTEM_CLOCK) -> Trial:
    """Uploads a photo and waits for its record.

    Raises:
        DeploymentError: no record comes.
    """
    start = clock.now()
    batch = batch_key(SMOKE_TENANT, new_batch_name(datetime.now(UTC)))
    uploaded = upload_photos(account.photos(deployment), batch, {photo.name: photo}, lambda: None)
    if uploaded.unreadable:
        raise DeploymentError(f"{photo} cannot be read: {uploaded.unreadable[photo.name]}")
    found = await_records(
        account.records(deployment), batch, uploaded.versions, SMOKE_SECONDS, lambda done: None, clock
    )
    if photo.name not in found:
        raise DeploymentError(
            f"{photo.name} was uploaded, but has no record after {SMOKE_SECONDS} s: see the scorer's log and its "
            "failure queue, which `terraform -chdir=terraform output` names"
        )
    return Trial(found[photo.name][0].record, clock.now() - start)


def destroy(terraform: Terraform, deployment_file: Path, ask: Callable[[str], str], report: Report) -> None:
    """Removes a deployment, once somebody who has read what is lost types its name.

    Raises:
        DeploymentError: nothing is deployed, its data is protected, or the name is not its.
    """
    terraform.init()
    name = _name(terraform.outputs())
    if protected := terraform.protected():
        raise DeploymentError(
            f"Nothing was removed: {name} protects its data ({', '.join(protected)}). To give it up, set "
            "allow_destroy_of_data = true in its variables, run `make deploy`, and then this again."
        )
    report("\n  - ".join([f"Removing {name} deletes for ever:", *WHAT_IS_LOST]))
    if ask(f"Type {name} to go on: ").strip() != name:
        raise DeploymentError("Nothing was removed.")
    terraform.destroy(approved=False)
    deployment_file.unlink(missing_ok=True)


def _install(account: Account, outputs: dict[str, Any], release: Release) -> None:
    for bundle in release.bundles:
        account.install_bundle(outputs, bundle)


def _name(outputs: dict[str, Any]) -> str:
    """The deployment's prefix: what its publisher's name begins with."""
    try:
        name: str = outputs["functions"]["publish"]
    except KeyError as error:
        raise DeploymentError("Nothing is deployed with this state: see the file of the backend.") from error
    return name.removesuffix("-publish")
