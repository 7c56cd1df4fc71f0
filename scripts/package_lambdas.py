"""Builds the Lambda functions' zips and their bundle of dependencies; `make package-lambdas`.

    python -m scripts.package_lambdas [--architecture x86_64|arm64] [--out build/lambda] [--json]

The same sources, lock file, Python and binutils give the same archives. Exits with 1 if one of them is over its budget.
"""

import argparse
import json
import sys
from pathlib import Path

from scripts.packaging.architecture import Architecture
from scripts.packaging.dependencies import ROOT
from scripts.packaging.errors import PackagingError
from scripts.packaging.lambdas import package
from scripts.packaging.limits import sizes_json
from scripts.packaging.manifest import MANIFEST_FILE


def main() -> int:
    """Builds, prints every size beside its limit, and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architecture", type=Architecture, choices=list(Architecture), default=Architecture.X86_64)
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "lambda", help="folder that then holds the archives"
    )
    parser.add_argument("--json", action="store_true", help="print the manifest and the sizes as JSON")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    try:
        lambdas = package(arguments.architecture, arguments.out, lambda step: print(step, "…", file=sys.stderr))
    except PackagingError as error:
        print(error, file=sys.stderr)
        return 1
    sizes = lambdas.sizes()
    if arguments.json:
        print(json.dumps({"packages": lambdas.manifest(), "sizes": sizes_json(sizes)}, indent=2))
    else:
        print(*sizes, f"wrote {arguments.out / MANIFEST_FILE}", sep="\n")
    return int(any(size.is_over for size in sizes))


if __name__ == "__main__":
    sys.exit(main())
