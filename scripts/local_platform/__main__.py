"""The platform on this machine: `make local-up`, `make local-down`, `make local-logs`.

    python -m scripts.local_platform up [--packages build/lambda/manifest.json] [--models build/store]
    python -m scripts.local_platform down | logs | status

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


def local_platform(packages_file: Path = PACKAGES_FILE, models: Path | None = None) -> LocalPlatform:
    """The platform of this repository, running or not."""
    layout = Layout()
    emulator = Emulator(layout, int(os.environ.get("MEMORABILITY_LOCAL_PORT") or DEFAULT_PORT))
    terraform = LocalTerraform(layout, emulator.client_environment, packages_file.resolve())
    store = models or Path(os.environ.get("MEMORABILITY_STORE") or ROOT / "build" / "store")
    return LocalPlatform(emulator, terraform, ModelStore(store))


def main() -> int:
    """Does what was asked for and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["up", "down", "logs", "status"])
    parser.add_argument("--packages", type=Path, default=PACKAGES_FILE, help="manifest of the functions' packages")
    parser.add_argument("--models", type=Path, help="store that ResMem is taken from; default: MEMORABILITY_STORE")
    arguments = parser.parse_args()
    try:
        return _do(arguments.action, local_platform(arguments.packages, arguments.models))
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
