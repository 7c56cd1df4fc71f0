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


def find_uv() -> str:
    """The uv that runs this process, or one on the PATH."""
    if found := os.environ.get("UV") or shutil.which("uv"):
        return found
    raise PackagingError("uv is not on the PATH: run `make package-lambdas`, which brings its own, or install uv.")
