"""Where the local platform keeps its things; all of it is inside the repository's folder for builds."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Layout:
    """The folders and files of one local platform."""

    root: Path = ROOT / "build" / "local"

    @property
    def deployment_file(self) -> Path:
        """What clients read: beside the folder, for example `build/local.json`."""
        return self.root.with_suffix(".json")

    @property
    def venv(self) -> Path:
        """The emulator's own environment; it stays when the platform is taken down."""
        return self.root / "venv"

    @property
    def store(self) -> Path:
        """What EFS is on AWS; it stays when the platform is taken down."""
        return self.root / "store"

    @property
    def run(self) -> Path:
        """What exists only while the platform does."""
        return self.root / "run"

    @property
    def scratch(self) -> Path:
        """The emulator's folder for temporary files, such as unzipped functions."""
        return self.run / "tmp"

    @property
    def emulator_log(self) -> Path:
        """What the emulator prints."""
        return self.run / "emulator.log"

    @property
    def pid_file(self) -> Path:
        """The emulator's process."""
        return self.run / "emulator.pid"

    @property
    def terraform(self) -> Path:
        """A copy of the Terraform code, with a state on this machine."""
        return self.run / "terraform"

    @property
    def page(self) -> Path:
        """A copy of the page's files, which Terraform uploads."""
        return self.run / "page"

    @property
    def applied(self) -> Path:
        """Digest of what was applied last; not there before an application succeeded."""
        return self.run / "applied"

    @property
    def outputs(self) -> Path:
        """Terraform's outputs, as `terraform output -json` writes them."""
        return self.run / "outputs.json"
