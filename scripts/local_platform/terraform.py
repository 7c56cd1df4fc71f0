"""Terraform, on a copy of the platform's code whose state lies beside it."""

import hashlib
import json
import os
import shutil
import string
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from scripts.local_platform.differences import differences
from scripts.local_platform.errors import LocalPlatformError
from scripts.local_platform.layout import ROOT, Layout

CODE = ROOT / "terraform"
PAGE = ROOT / "web"
VARIABLES_TEMPLATE = Path(__file__).with_name("local.tfvars.template")
MIRROR = "MEMORABILITY_TERRAFORM_MIRROR"

_VARIABLES_FILE = "local.tfvars"
_PLAN_FILE = "second.tfplan"
_QUIETLY = ("-input=false", "-no-color")
_BACKEND = """
terraform {
  backend "local" {}
}
"""
_MIRROR_ONLY = """
provider_installation {{
  filesystem_mirror {{
    path = "{path}"
  }}
}}
"""
_IGNORED = shutil.ignore_patterns(".terraform", "*.tfstate*", "tests")
_SHOWN_CHARACTERS = 4000


@final
@dataclass(frozen=True)
class LocalTerraform:
    """Terraform for one local platform.

    Attributes:
        layout: where its things are.
        endpoint_url: where the emulator listens.
        aws: environment variables that lead to the emulator.
        packages_file: the manifest of the functions' packages.
    """

    layout: Layout
    endpoint_url: str
    aws: Mapping[str, str]
    packages_file: Path

    def digest(self) -> str:
        """SHA-256 of everything that an application depends on."""
        found = hashlib.sha256()
        for path in sorted(self._sources()):
            found.update(f"{path}\0".encode() + path.read_bytes())
        return found.hexdigest()

    def apply(self) -> None:
        """Applies the code to an account in which nothing is yet.

        Raises:
            LocalPlatformError: Terraform is missing or fails; the message holds what it complained of.
        """
        self._copy_code()
        self._run("init", *_QUIETLY)
        self.change({})

    def change(self, variables: Mapping[str, str]) -> None:
        """Applies the code again, with other values for some variables.

        Raises:
            LocalPlatformError: as for `apply`.
        """
        self._run("apply", *_QUIETLY, "-auto-approve", *_given(variables))

    def differences(self) -> dict[str, set[str]]:
        """What an application would change now: the attributes that differ, by the resource's address."""
        self._run("plan", *_QUIETLY, f"-out={_PLAN_FILE}", *_given({}))
        return differences(json.loads(self._run("show", "-json", _PLAN_FILE)))

    def destroy(self) -> None:
        """Removes everything that was applied.

        Raises:
            LocalPlatformError: as for `apply`.
        """
        self._run("destroy", *_QUIETLY, "-auto-approve", *_given({}))

    def resources(self) -> list[str]:
        """The addresses of what is applied."""
        return self._run("state", "list").splitlines()

    def outputs(self) -> dict[str, Any]:
        """Terraform's outputs by name."""
        found = json.loads(self._run("output", "-json", "-no-color"))
        return {name: output["value"] for name, output in found.items()}

    def _sources(self) -> Iterator[Path]:
        yield from (path for path in CODE.rglob("*.*") if path.is_file() and ".terraform" not in path.parts)
        yield from (path for path in PAGE.rglob("*.*") if path.is_file())
        yield VARIABLES_TEMPLATE
        yield self.packages_file

    def _copy_code(self) -> None:
        folder = self.layout.terraform
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(CODE, folder, ignore=_IGNORED)
        shutil.copytree(PAGE, self.layout.page, dirs_exist_ok=True)
        (folder / "local_override.tf").write_text(_BACKEND)
        template = string.Template(VARIABLES_TEMPLATE.read_text())
        places = {
            "store": str(self.layout.store),
            "packages": str(self.packages_file),
            "page": str(self.layout.page),
            "endpoint": self.endpoint_url,
        }
        values = {name: json.dumps(place) for name, place in places.items()}
        (folder / _VARIABLES_FILE).write_text(template.substitute(values))

    def _run(self, *arguments: str) -> str:
        if not (program := shutil.which("terraform")):
            raise LocalPlatformError(
                "terraform is not on the PATH: install version 1.11 or later, "
                "https://developer.hashicorp.com/terraform/install"
            )
        command = [program, f"-chdir={self.layout.terraform}", *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=self._environment())
        if done.returncode:
            complaint = f"{done.stdout[-_SHOWN_CHARACTERS:]}{done.stderr[-_SHOWN_CHARACTERS:]}"
            raise LocalPlatformError(f"terraform {arguments[0]} ended with {done.returncode}:\n{complaint}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        """No credentials of this process, and providers from the mirror where there is one, else downloaded once."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_VAR_"))}
        environment = inherited | dict(self.aws) | {"CHECKPOINT_DISABLE": "1"}
        if mirror := os.environ.get(MIRROR):
            configuration = self.layout.run / "terraform.rc"
            configuration.write_text(_MIRROR_ONLY.format(path=Path(mirror).resolve()))
            return environment | {"TF_CLI_CONFIG_FILE": str(configuration)}
        cache = Path(environment.setdefault("TF_PLUGIN_CACHE_DIR", str(ROOT / ".cache" / "terraform")))
        cache.mkdir(parents=True, exist_ok=True)
        return environment


def _given(variables: Mapping[str, str]) -> list[str]:
    return [f"-var-file={_VARIABLES_FILE}", *(f"-var={name}={value}" for name, value in variables.items())]
