"""Puts the zips and the bundle together, and tells Terraform about them."""

import base64
import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scripts.packaging import limits
from scripts.packaging.architecture import Architecture
from scripts.packaging.archives import unpacked_bytes, write_zip
from scripts.packaging.dependencies import ROOT, install, zipped_requirements
from scripts.packaging.errors import PackagingError
from scripts.packaging.limits import Size
from scripts.packaging.manifest import Entry, Manifest, path_from_root
from scripts.packaging.runtime import RUNTIME, Runtime, ensure_runtime, finish

WORKER_BUNDLE = "worker_runtime"  # of the manifest; see worker.py
SHARED_PACKAGE = "model_store"
FUNCTIONS_PACKAGE = "functions"
HANDLER_FILE = "handler.py"  # a folder of functions/ that has one is a function

type Report = Callable[[str], None]


@dataclass(frozen=True)
class Package:
    """An archive.

    Attributes:
        path: where it lies.
        unpacked: bytes of what is in it.
    """

    path: Path
    unpacked: int


@dataclass(frozen=True)
class Lambdas:
    """All that is deployed.

    Attributes:
        zips: by function.
        runtime: the bundle.
    """

    zips: dict[str, Package]
    runtime: Runtime

    def sizes(self) -> list[Size]:
        """Every size that has a limit."""
        zips = [Size(package.path.name, package.path.stat().st_size, limits.ZIPPED) for package in self.zips.values()]
        unzipped = [Size(f"{name}, unzipped", package.unpacked, limits.UNZIPPED) for name, package in self.zips.items()]
        return [*zips, *unzipped, Size("runtime bundle, unpacked", self.runtime.unpacked, limits.BUNDLE)]

    def manifest(self) -> dict[str, Entry]:
        """What Terraform reads: paths from the repository's root where they are inside it."""
        zips: dict[str, Entry] = {
            name: {"path": path_from_root(package.path), "sha256_base64": _sha256_base64(package.path)}
            for name, package in self.zips.items()
        }
        return zips | {RUNTIME: self.runtime.entry()}


def package(architecture: Architecture, out: Path, report: Report) -> Lambdas:
    """Builds everything into a folder, which then holds nothing else but the workers' bundle, where there is one.

    The bundle is kept where it would be the same.

    Args:
        architecture: of the functions.
        out: the folder.
        report: told of each step.

    Raises:
        PackagingError: a tool is missing, or a package has no wheel for this architecture.
    """
    work = out / ".work"
    shutil.rmtree(work, ignore_errors=True)
    runtime = ensure_runtime(architecture, out, work, report)
    report("Zipping the functions")
    install(zipped_requirements(), architecture, work / "zipped")
    zips = {name: _zip(name, architecture, work, out) for name in function_names()}
    shutil.rmtree(work)
    lambdas = Lambdas(zips, runtime)
    Manifest(out).replace(lambdas.manifest(), keep=WORKER_BUNDLE)
    return lambdas


def function_names() -> list[str]:
    """Every function that has a handler.

    Raises:
        PackagingError: there is none.
    """
    names = sorted(path.parent.name for path in (ROOT / FUNCTIONS_PACKAGE).glob(f"*/{HANDLER_FILE}"))
    if not names:
        raise PackagingError(
            f"There is no {FUNCTIONS_PACKAGE}/*/{HANDLER_FILE} in {ROOT}, so there is nothing to package."
        )
    return names


def _zip(name: str, architecture: Architecture, work: Path, out: Path) -> Package:
    folder = shutil.copytree(work / "zipped", work / name)
    shutil.copytree(ROOT / SHARED_PACKAGE, folder / SHARED_PACKAGE)
    others = [other for other in function_names() if other != name]
    shutil.copytree(ROOT / FUNCTIONS_PACKAGE, folder / FUNCTIONS_PACKAGE, ignore=shutil.ignore_patterns(*others))
    finish(folder, architecture)
    return Package(write_zip(folder, out, name), unpacked_bytes(folder))


def _sha256_base64(path: Path) -> str:
    return base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()
