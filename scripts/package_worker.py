"""Builds the bundle of the heatmap workers; `make package-worker`.

    python -m scripts.package_worker [--cpu] [--architecture x86_64|arm64] [--out build/lambda]

The bundle is added to the manifest of the functions' packages as `worker_runtime`, and is installed on the volume as
theirs is. With --cpu it has no CUDA: for instance types without a GPU. Exits with 1 if it is over its budget.
"""

import argparse
import sys
from pathlib import Path

from scripts.packaging.architecture import Architecture
from scripts.packaging.dependencies import ROOT
from scripts.packaging.errors import PackagingError
from scripts.packaging.manifest import MANIFEST_FILE
from scripts.packaging.worker import package_worker


def main() -> int:
    """Builds, prints the size beside its limit, and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cpu", action="store_true", help="for instances without a GPU")
    parser.add_argument("--architecture", type=Architecture, choices=list(Architecture), default=Architecture.X86_64)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "lambda", help="folder of the packages")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    try:
        size = package_worker(
            arguments.architecture,
            arguments.out,
            lambda step: print(step, "…", file=sys.stderr),
            cuda=not arguments.cpu,
        )
    except PackagingError as error:
        print(error, file=sys.stderr)
        return 1
    print(size, f"wrote {arguments.out / MANIFEST_FILE}", sep="\n")
    return int(size.is_over)


if __name__ == "__main__":
    sys.exit(main())
