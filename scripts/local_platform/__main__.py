"""The platform on this machine: `make local-up`, `make local-down`, `make local-logs`.

    python -m scripts.local_platform up [--packages build/lambda/manifest.json] [--models build/store]
    python -m scripts.local_platform down | logs | status [--folder build/local]

`up` needs the functions' packages and a store with ResMem, `make package-lambdas` and `memorability models pull
resmem`. It listens on port 4566, or on the one that MEMORABILITY_LOCAL_PORT names. AWS's own tools use it with what
`up` prints.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from model_store.errors import MemorabilityError
from model_store.store import ModelStore
from scripts.local_platform.emulator import Emulator
from scripts.local_platform.errors import LocalPlatformError
from scripts.local_platform.layout import ROOT, Layout
from scripts.local_platform.platform import LocalPlatform
from scripts.local_platform.terraform import LocalTerraform

DEFAULT_PORT = 4566
PACKAGES_FILE = ROOT / "build" / "lambda" / "manifest.json"


def local_platform(layout: Layout, port: int, packages_file: Path, models: Path) -> LocalPlatform:
    """A platform of this repository, running or not; those in different folders and on different ports are apart."""
    emulator = Emulator(layout, port)
    terraform = LocalTerraform(layout, emulator.endpoint_url, emulator.client_environment, packages_file.resolve())
    return LocalPlatform(emulator, terraform, ModelStore(models))


def main() -> int:
    """Does what was asked for and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["up", "down", "logs", "status"])
    parser.add_argument("--packages", type=Path, default=PACKAGES_FILE, help="manifest of the functions' packages")
    store = Path(os.environ.get("MEMORABILITY_STORE") or ROOT / "build" / "store")
    parser.add_argument("--models", type=Path, default=store, help="store that ResMem is taken from")
    parser.add_argument("--folder", type=Path, default=Layout().root, help="where the platform keeps its things")
    arguments = parser.parse_args()
    port = int(os.environ.get("MEMORABILITY_LOCAL_PORT") or DEFAULT_PORT)
    layout = Layout(arguments.folder.resolve())
    try:
        return _do(arguments.action, local_platform(layout, port, arguments.packages, arguments.models))
    except MemorabilityError as error:
        print(error, file=sys.stderr)
        return 1


def _do(action: str, platform: LocalPlatform) -> int:
    match action:
        case "up":
            if not platform.terraform.packages_file.is_file():
                raise LocalPlatformError(f"{platform.terraform.packages_file} is missing: run `make package-lambdas`.")
            deployment = platform.up(lambda step: print(step, "…", file=sys.stderr))
            _show(platform, deployment)
        case "down":
            platform.down()
        case "logs":
            print(*platform.logs(), f"The emulator's own: {platform.emulator.layout.emulator_log}", sep="\n")
        case "status":
            running = platform.status()
            print(json.dumps(running, indent=2) if running else "The local platform does not run: `make local-up`.")
            return 0 if running else 1
    return 0


def _show(platform: LocalPlatform, deployment: dict[str, object]) -> None:
    for name, value in deployment.items():
        print(f"{name:15} {value or '-'}")
    print(f"\nwrote {platform.deployment_file}. For AWS's own tools:\n")
    print(*(f"  export {name}={value}" for name, value in platform.emulator.client_environment.items()), sep="\n")


if __name__ == "__main__":
    sys.exit(main())
