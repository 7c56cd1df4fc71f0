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

from scripts.local_platform.errors import LocalPlatformError
from scripts.local_platform.layout import ROOT, Layout

CODE = ROOT / "terraform"
VARIABLES_TEMPLATE = Path(__file__).with_name("local.tfvars.template")
MIRROR = "MEMORABILITY_TERRAFORM_MIRROR"

_VARIABLES_FILE = "local.tfvars"
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
        aws: environment variables that lead to the emulator.
        packages_file: the manifest of the functions' packages.
    """

    layout: Layout
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
        self._run("init", "-input=false", "-no-color")
        self._run("apply", "-input=false", "-no-color", "-auto-approve", f"-var-file={_VARIABLES_FILE}")

    def outputs(self) -> dict[str, Any]:
        """Terraform's outputs by name."""
        found = json.loads(self._run("output", "-json", "-no-color"))
        return {name: output["value"] for name, output in found.items()}

    def _sources(self) -> Iterator[Path]:
        yield from (path for path in CODE.rglob("*.*") if path.is_file() and ".terraform" not in path.parts)
        yield VARIABLES_TEMPLATE
        yield self.packages_file

    def _copy_code(self) -> None:
        folder = self.layout.terraform
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(CODE, folder, ignore=_IGNORED)
        (folder / "local_override.tf").write_text(_BACKEND)
        template = string.Template(VARIABLES_TEMPLATE.read_text())
        places = {"store": json.dumps(str(self.layout.store)), "packages": json.dumps(str(self.packages_file))}
        (folder / _VARIABLES_FILE).write_text(template.substitute(places))

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
