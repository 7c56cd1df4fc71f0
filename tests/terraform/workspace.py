"""A copy of the Terraform code in which `terraform` may leave its folders, and the command itself."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
MIRROR = "MEMORABILITY_TERRAFORM_MIRROR"

_MIRROR_ONLY = """
provider_installation {{
  filesystem_mirror {{
    path = "{path}"
  }}
}}
"""


@dataclass(frozen=True)
class Workspace:
    """The copy.

    Attributes:
        root: the copied root module.
        environment: what `terraform` runs with: no credentials, and providers from the mirror where there is one.
    """

    root: Path
    environment: dict[str, str]

    @classmethod
    def copy(cls, folder: Path) -> "Workspace":
        """Copies the repository's Terraform code into a folder that is not there yet."""
        root = folder / "terraform"
        shutil.copytree(REPOSITORY / "terraform", root, ignore=shutil.ignore_patterns(".terraform", "*.tfstate*"))
        return cls(root, _environment(folder))

    def terraform(self, module: Path, *arguments: str) -> str:
        """Runs `terraform` in a module and returns what it wrote to its standard output; fails if it fails."""
        command = ["terraform", f"-chdir={module}", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)} failed:\n{done.stdout[-4000:]}{done.stderr}"
        return done.stdout

    def initialized(self, module: Path) -> Path:
        """The module, with its providers installed."""
        if not (module / ".terraform").exists():
            self.terraform(module, "init", "-backend=false", "-input=false", "-no-color")
        return module


def _environment(folder: Path) -> dict[str, str]:
    """The process's own environment, without credentials, and with the mirror or a cache of downloaded providers."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {"AWS_EC2_METADATA_DISABLED": "true", "CHECKPOINT_DISABLE": "1"}
    if mirror := os.environ.get(MIRROR):
        configuration = folder / "terraform.rc"
        configuration.write_text(_MIRROR_ONLY.format(path=Path(mirror).resolve()))
        return environment | {"TF_CLI_CONFIG_FILE": str(configuration)}
    cache = Path(environment.setdefault("TF_PLUGIN_CACHE_DIR", str(REPOSITORY / ".cache" / "terraform")))
    cache.mkdir(parents=True, exist_ok=True)
    return environment
