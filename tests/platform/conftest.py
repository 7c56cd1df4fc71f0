"""One platform for all of these tests, apart from that of `make local-up`: made anew, removed by the last of them."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from model_store.records import ScoredRecord
from scripts.local_platform.__main__ import local_platform
from scripts.local_platform.layout import Layout
from scripts.local_platform.platform import LocalPlatform
from scripts.packaging.manifest import MANIFEST_FILE
from tests.e2e.conftest import ROOT, Command, command, demo_photos, published, store_folder
from tests.platform.photos import photo_variants
from tests.platform.platform_client import PlatformClient

__all__ = ["command", "demo_photos", "published", "store_folder"]

N_PHOTOS = 20
PACKAGES = ROOT / "build" / "lambda"
LAST = ("test_direct_trigger.py", "test_removal.py")  # they change the platform for all that come after them


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LAST.index(item.path.name) if item.path.name in LAST else -1)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables of everything that is started here: a home folder and one for temporary files that nobody else has."""
    folders = {"HOME": tmp_path_factory.mktemp("home"), "TMPDIR": tmp_path_factory.mktemp("temporary")}
    return {variable: str(folder) for variable, folder in folders.items()}


@pytest.fixture(scope="session")
def platform(published: Command, store_folder: Path, home: Mapping[str, str]) -> Iterator[LocalPlatform]:
    assert published is not None
    layout = Layout(ROOT / "build" / "platform-tests")
    subprocess.run([sys.executable, "-m", "scripts.package_lambdas"], check=True, cwd=ROOT, capture_output=True)
    platform = local_platform(layout, free_port(), PACKAGES / MANIFEST_FILE, store_folder)
    terraform = replace(platform.terraform, aws={**platform.terraform.aws, **home})
    platform = replace(platform, terraform=terraform)
    platform.down()  # one whose tests were killed
    shutil.rmtree(layout.store, ignore_errors=True)
    platform.up(print)
    yield platform
    platform.down()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


@pytest.fixture(scope="session")
def client(platform: LocalPlatform) -> PlatformClient:
    return PlatformClient(platform)


@pytest.fixture(scope="session")
def photo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("variants")


@pytest.fixture(scope="session")
def photos(demo_photos: Path, photo_folder: Path) -> Mapping[str, bytes]:
    return photo_variants(sorted(demo_photos.iterdir()), N_PHOTOS, photo_folder)


@pytest.fixture(scope="session")
def expected(
    client: PlatformClient,
    photos: Mapping[str, bytes],
    photo_folder: Path,
    command: Command,
    home: Mapping[str, str],
) -> Mapping[str, ScoredRecord]:
    """What the command says of the photos, with the models as the platform has them."""
    printed = command("score", str(photo_folder), "--json", MEMORABILITY_STORE=str(client.store_folder), **home)
    assert printed.returncode == 0, printed.stderr
    records = map(ScoredRecord.model_validate_json, printed.stdout.splitlines())
    found = {Path(record.file).name: record for record in records}
    assert set(found) == set(photos)
    return found


@pytest.fixture
def batch(request: pytest.FixtureRequest) -> str:
    """A batch of this test's own."""
    return f"{request.node.originalname}-{time.time_ns()}"
