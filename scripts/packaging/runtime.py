"""The bundle of the functions' dependencies; made anew only where something that it is made from has changed."""

import hashlib
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scripts.packaging.architecture import Architecture
from scripts.packaging.archives import file_sha256, unpacked_bytes, write_tarball
from scripts.packaging.bytecode import compile_modules
from scripts.packaging.dependencies import Requirements, bundled_requirements, install
from scripts.packaging.manifest import Entry, Manifest, bundle_entry
from scripts.packaging.tools import run
from scripts.packaging.trimming import strip_shared_objects, trim

RUNTIME = "runtime"  # of the manifest

type Report = Callable[[str], None]


@dataclass(frozen=True)
class Runtime:
    """The bundle.

    Attributes:
        path: of its archive.
        unpacked: bytes of what is in it.
        digest: SHA-256 of the archive, by which it is installed on the volume.
        made_from: digest of all that decides what is in it.
    """

    path: Path
    unpacked: int
    digest: str
    made_from: str

    def entry(self) -> Entry:
        """What the manifest tells of it."""
        return {**bundle_entry(self.path, self.digest, self.unpacked), "made_from": self.made_from}


def ensure_runtime(architecture: Architecture, out: Path, work: Path, report: Report) -> Runtime:
    """The bundle that lies in a folder if it is what would be made, else a new one.

    Args:
        architecture: of the functions.
        out: the folder of the packages and of their manifest.
        work: a folder for what lies between.
        report: told of each step.

    Raises:
        PackagingError: a tool is missing, or a package has no wheel for this architecture.
    """
    requirements = bundled_requirements()
    made_from = _made_from(requirements, architecture)
    if found := find_runtime(out, made_from):
        report("The bundle's dependencies are those of the last time")
        return found
    report("Fetching the bundle's dependencies")
    folder = work / RUNTIME
    install(requirements, architecture, folder)
    report("Stripping and compiling it")
    finish(folder, architecture)
    report("Archiving it")
    archive = write_tarball(folder, out, RUNTIME)
    unpacked = unpacked_bytes(folder)
    shutil.rmtree(folder)
    return Runtime(archive, unpacked, file_sha256(archive), made_from)


def finish(folder: Path, architecture: Architecture) -> None:
    """Takes out of a folder of packages what is not needed, and compiles the rest."""
    trim(folder)
    strip_shared_objects(folder, architecture)
    compile_modules(folder)


def find_runtime(out: Path, made_from: str) -> Runtime | None:
    """The bundle in a folder, if its archive is whole and it was made from that."""
    entry = Manifest(out).entries().get(RUNTIME, {})
    if entry.get("made_from") != made_from:
        return None
    archive = out / Path(entry["path"]).name
    is_whole = file_sha256(archive) == entry["digest"]
    return Runtime(archive, entry["bytes_unpacked"], entry["digest"], made_from) if is_whole else None


def _made_from(requirements: Requirements, architecture: Architecture) -> str:
    """Of the packages with their digests, of the tools, and of this folder's own code."""
    tools = (sys.version, run([architecture.find_strip(), "--version"]))
    code = (path.read_text() for path in sorted(Path(__file__).parent.glob("*.py")))
    return hashlib.sha256("\0".join((*requirements.lines, architecture, *tools, *code)).encode()).hexdigest()
