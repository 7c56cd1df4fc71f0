"""Starts, describes and stops the local platform."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from model_store.store import ModelStore
from scripts.install_bundle import Bundle, install_bundle
from scripts.local_platform.emulator import REGION, Emulator
from scripts.local_platform.terraform import LocalTerraform
from scripts.local_platform.users import Developer, ensure_user
from scripts.publish_model import publish_model

MODEL = "resmem"
_LOG_EVENTS = 200

type Report = Callable[[str], None]


@final
@dataclass(frozen=True)
class LocalPlatform:
    """The platform on this machine.

    Attributes:
        emulator: stands in for AWS.
        terraform: makes the platform on it.
        models: the store that the published model is taken from.
    """

    emulator: Emulator
    terraform: LocalTerraform
    models: ModelStore

    @property
    def deployment_file(self) -> Path:
        """What clients read."""
        return self.emulator.layout.deployment_file

    def up(self, report: Report) -> dict[str, Any]:
        """Brings the platform up, or up to date, and publishes the model; returns what clients need to know.

        The emulator keeps nothing when it ends, so that a platform whose code or packages changed is made anew.
        """
        layout = self.emulator.layout
        digest = self.terraform.digest()
        applied = layout.applied.read_text() if layout.applied.is_file() else None
        if not (self.emulator.is_running() and applied == digest):
            self.down()
            report("Starting the emulator")
            self.emulator.install()
            layout.run.mkdir(parents=True)
            self.emulator.start()
            report("Applying the Terraform code to it, which takes a minute or two")
            self.terraform.apply()
            layout.outputs.write_text(json.dumps(self.terraform.outputs(), indent=2))
            layout.applied.write_text(digest)
        self._publish(report)
        return self._describe(self._let_somebody_in())

    def down(self) -> None:
        """Stops everything and removes it; only the emulator's environment and the store stay."""
        self.emulator.stop()
        shutil.rmtree(self.emulator.layout.run, ignore_errors=True)
        self.deployment_file.unlink(missing_ok=True)

    def status(self) -> dict[str, Any] | None:
        """What clients need to know, None where the platform does not run."""
        if not (self.emulator.is_running() and self.deployment_file.is_file()):
            return None
        deployment: dict[str, Any] = json.loads(self.deployment_file.read_text())
        return deployment

    def outputs(self) -> dict[str, Any]:
        """Terraform's outputs by name."""
        outputs: dict[str, Any] = json.loads(self.emulator.layout.outputs.read_text())
        return outputs

    def logs(self) -> list[str]:
        """The last lines of the functions' logs, oldest first, each with its function."""
        client = self.emulator.client("logs")
        events = [
            (event["timestamp"], purpose, event["message"].rstrip())
            for purpose, group in self.outputs()["log_groups"].items()
            for page in client.get_paginator("filter_log_events").paginate(logGroupName=group)
            for event in page["events"]
        ]
        return [f"{purpose}: {message}" for _, purpose, message in sorted(events)[-_LOG_EVENTS:]]

    def _publish(self, report: Report) -> None:
        """Does what a deployment on AWS does: bundle first, then the model, both through the artefacts bucket."""
        outputs, s3 = self.outputs(), self.emulator.client("s3")
        bucket = outputs["artefacts_bucket"]
        report("Installing the functions' dependencies")
        bundle = Bundle(outputs["runtime"]["digest"], Path(outputs["runtime"]["path"]))
        install_bundle(s3, self.emulator.client("lambda"), bucket, outputs["functions"]["publish"], bundle)
        report(f"Publishing {MODEL}")
        table = outputs["deployment"]["results_table"]
        publish_model(s3, self.emulator.client("dynamodb"), bucket, table, self.models, MODEL)

    def _let_somebody_in(self) -> dict[str, str] | None:
        pool = self.outputs()["user_pool"]
        return pool and ensure_user(self.emulator.client("cognito-idp"), pool["id"], Developer())

    def _describe(self, user: dict[str, str] | None) -> dict[str, Any]:
        deployment: dict[str, Any] = {"endpoint_url": self.emulator.endpoint_url, "region": REGION}
        deployment |= self.outputs()["deployment"] | {"user": user}
        self.deployment_file.write_text(json.dumps(deployment, indent=2) + "\n")
        return deployment
