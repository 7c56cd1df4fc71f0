"""A heatmap that a user asks for, made by a worker that is started as `make local-worker` starts it."""

import io
import mimetypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from model_store.store import ModelStore
from scripts.local_platform.platform import MODEL, LocalPlatform
from tests.e2e.conftest import ROOT
from tests.platform.platform_client import wait_until
from tests.platform.test_api import TIMEOUT_SECONDS, caller, signed_in

STOP_SECONDS = 60  # an idle worker stops within its long poll


@pytest.fixture
def api(platform: LocalPlatform) -> Iterator[httpx.Client]:
    with caller(platform.outputs()["deployment"]["api_url"], signed_in(platform, "heatmaps")) as client:
        yield client


@pytest.fixture
def photo(demo_photos: Path) -> Path:
    return sorted(demo_photos.iterdir())[0]


@pytest.fixture
def batch(api: httpx.Client, photo: Path) -> Iterator[str]:
    """The address of a batch of one photo, scored."""
    declared = {"name": photo.name, "bytes": photo.stat().st_size, "type": mimetypes.guess_type(photo.name)[0]}
    made = api.post("batches", json={"name": "Spring", "files": [declared]}).raise_for_status().json()
    (form,), address = made["uploads"], f"batches/{made['batch']['id']}"
    file = {"file": (photo.name, photo.read_bytes())}
    httpx.post(form["url"], data=form["fields"], files=file, timeout=TIMEOUT_SECONDS).raise_for_status()
    wait_until(lambda: bool(only_photo(api, address)["state"] == "scored"), f"{photo.name} is not scored")
    yield address
    api.delete(address).raise_for_status()


@pytest.fixture
def worker(platform: LocalPlatform, home: Mapping[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    emulator = platform.emulator
    command = [sys.executable, "-m", "scripts.local_worker", "--folder", str(emulator.layout.root)]
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | home | {"MEMORABILITY_LOCAL_PORT": str(emulator.port)},
            stdout=log,
            stderr=log,
        )
    yield process
    process.kill()
    process.wait()


def test_a_heatmap_that_is_asked_for_is_made_by_a_worker(
    platform: LocalPlatform,
    api: httpx.Client,
    batch: str,
    photo: Path,
    worker: subprocess.Popen[bytes],
    tmp_path: Path,
) -> None:
    wish = {"photos": [photo.name], "subjects": [{"model": MODEL}], "methods": ["gradcam"]}
    asked = api.post(f"{batch}/heatmaps", json=wish)
    assert asked.status_code == 202, asked.text
    assert [request["status"] for request in asked.json()["requests"]] == ["queued"]

    def is_settled() -> bool:
        assert worker.poll() is None, (tmp_path / "worker.log").read_text()
        (heatmap,) = only_photo(api, batch)["heatmaps"]
        return bool(heatmap["status"] != "queued")

    wait_until(is_settled, f"{photo.name} has no heatmap; see {tmp_path / 'worker.log'}")
    (done,) = only_photo(api, batch)["heatmaps"]
    assert done["status"] == "done", done
    assert done["models"] == [ModelStore(platform.emulator.layout.store).manifest(MODEL).ref]
    overlay = Image.open(io.BytesIO(httpx.get(done["overlay_url"]).raise_for_status().content))
    assert overlay.mode == "RGBA"
    assert overlay.getchannel("A").getbbox(), "nothing is to be seen"
    again = api.post(f"{batch}/heatmaps", json=wish).json()["requests"]
    assert [request["status"] for request in again] == ["done"]

    worker.send_signal(signal.SIGTERM)
    assert worker.wait(STOP_SECONDS) == 0
    assert "drained (SIGTERM)" in (tmp_path / "worker.log").read_text()


def only_photo(api: httpx.Client, batch: str) -> Mapping[str, Any]:
    found: Mapping[str, Any]
    (found,) = api.get(f"{batch}/photos").raise_for_status().json()["photos"]
    return found
