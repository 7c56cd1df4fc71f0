"""Terraform, on the platform's code and a team's own state and variables."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, final

from scripts.deployment.errors import DeploymentError
from scripts.packaging.architecture import Architecture
from scripts.packaging.dependencies import ROOT

CODE = ROOT / "terraform"
_SHOWN_CHARACTERS = 4000


class Shell(Protocol):
    """Runs programs; a fake in tests."""

    def show(self, command: Sequence[str]) -> int:
        """Runs a program at this terminal, where it may ask questions, and returns its exit status."""

    def read(self, command: Sequence[str]) -> str:
        """What a program prints to its standard output; raises `DeploymentError` where it fails."""


@final
class SystemShell:
    """The `Shell` of this machine."""

    def show(self, command: Sequence[str]) -> int:
        """Runs a program at this terminal."""
        return subprocess.run(_found(command), check=False).returncode

    def read(self, command: Sequence[str]) -> str:
        """What a program prints."""
        done = subprocess.run(_found(command), check=False, capture_output=True, text=True)
        if done.returncode:
            raise DeploymentError(
                f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-_SHOWN_CHARACTERS:]}"
            )
        return done.stdout


@final
@dataclass(frozen=True)
class Terraform:
    """Terraform for one deployment.

    Attributes:
        shell: runs it.
        settings: folder with `backend.hcl`, where the state is kept, and `variables.tfvars`. It is not the code's own
            folder, in which Terraform would read variables by itself, for tests and for the local platform too.
        packages_file: the manifest of the functions' packages.
        architecture: of these packages.
    """

    shell: Shell
    settings: Path
    packages_file: Path
    architecture: Architecture = Architecture.X86_64

    def init(self) -> None:
        """Gets modules and providers and turns to this deployment's state.

        Raises:
            DeploymentError: a file is missing, or Terraform or its state cannot be had.
        """
        for file in (self._backend_file, self._variables_file):
            if not file.is_file():
                raise DeploymentError(f"{file} is missing: docs/aws-quickstart.md shows how to write it.")
        # Another deployment's state may have been used in this folder before.
        self._show("init", "-reconfigure", f"-backend-config={self._backend_file}")

    def plan(self) -> None:
        """Shows what an application would change."""
        self._show("plan", *self._variables())

    def apply(self, *, approved: bool) -> None:
        """Makes the deployment what the code says; asks first, unless it is approved already."""
        self._show("apply", *self._variables(), *(["-auto-approve"] if approved else []))

    def destroy(self, *, approved: bool) -> None:
        """Removes everything; asks first, unless it is approved already."""
        self._show("destroy", *self._variables(), *(["-auto-approve"] if approved else []))

    def outputs(self) -> dict[str, Any]:
        """The outputs of what was applied last by name; empty where nothing was."""
        found = json.loads(self._read("output", "-json"))
        return {name: output["value"] for name, output in found.items()}

    def protected(self) -> list[str]:
        """Addresses of applied resources whose data cannot be deleted with them."""
        state = json.loads(self._read("show", "-json")).get("values", {})
        return [found["address"] for found in _resources(state.get("root_module", {})) if _is_protected(found)]

    @property
    def _backend_file(self) -> Path:
        return self.settings.resolve() / "backend.hcl"

    @property
    def _variables_file(self) -> Path:
        return self.settings.resolve() / "variables.tfvars"

    def _variables(self) -> list[str]:
        return [
            f"-var-file={self._variables_file}",
            f"-var=lambda_packages_file={self.packages_file.resolve()}",
            f"-var=architecture={self.architecture}",  # whatever the file says: it must be that of the packages
        ]

    def _show(self, action: str, *options: str) -> None:
        if status := self.shell.show(self._command(action, *options)):
            raise DeploymentError(f"terraform {action} ended with {status}; what it printed says why.")

    def _read(self, action: str, *options: str) -> str:
        return self.shell.read(self._command(action, *options))

    def _command(self, action: str, *options: str) -> list[str]:
        return ["terraform", f"-chdir={CODE}", action, *options]


def _found(command: Sequence[str]) -> list[str]:
    program, *arguments = command
    if not (path := shutil.which(program)):
        raise DeploymentError(
            f"{program} is not on the PATH: install version 1.11 or later, "
            "https://developer.hashicorp.com/terraform/install"
        )
    return [path, *arguments]


def _resources(module: dict[str, Any]) -> list[dict[str, Any]]:
    """Resources of a module and of those in it, as `terraform show -json` nests them."""
    below = (found for child in module.get("child_modules", []) for found in _resources(child))
    return [*module.get("resources", []), *below]


def _is_protected(resource: dict[str, Any]) -> bool:
    values = resource["values"]
    match resource["type"]:
        case "aws_dynamodb_table":
            return bool(values["deletion_protection_enabled"])
        case "aws_cognito_user_pool":
            return bool(values["deletion_protection"] == "ACTIVE")
        case "aws_s3_bucket":
            return not values["force_destroy"]
    return False
