"""The programs that packaging starts."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.packaging.errors import PackagingError


def run(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> str:
    """What a program prints to its standard output.

    Raises:
        PackagingError: it fails; the message holds what it complained of.
    """
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise PackagingError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stderr.strip()}")
    return done.stdout


def ensure_environment(folder: Path, requirements: Sequence[str], python: str) -> Path:
    """Makes an environment for programs that the project does not import, where it is not there as wanted.

    Args:
        folder: is the environment's alone.
        requirements: packages with their versions.
        python: version, such as 3.13.

    Returns:
        The folder of its programs.

    Raises:
        PackagingError: a package cannot be had.
    """
    marker, wanted = folder / "installed.txt", " ".join([python, *requirements])
    if not (marker.is_file() and marker.read_text() == wanted):
        shutil.rmtree(folder, ignore_errors=True)
        run([find_uv(), "venv", "--no-project", "--python", python, folder])
        run([find_uv(), "pip", "install", "--python", folder / "bin" / "python", *requirements])
        marker.write_text(wanted)
    return folder / "bin"


def find_uv() -> str:
    """The uv that runs this process, or one on the PATH."""
    if found := os.environ.get("UV") or shutil.which("uv"):
        return found
    raise PackagingError("uv is not on the PATH: run `make package-lambdas`, which brings its own, or install uv.")
