"""The published models behind `memorability serve`, a process that is talked to over a socket and told to stop."""

import base64
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Command
from tests.e2e.test_published_models import read_records
from tests.serving_process import ServingProcess, serving

CLIENTS = 16
TIMEOUT_SECONDS = 180  # a busy machine may be slow, but not lose a photo
# Batches of other sizes are other programs: measured 2e-7 apart.
BATCH_TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def server(published: Command, store_folder: Path) -> Iterator[ServingProcess]:
    """A server for the tests that do not stop it."""
    with serving(store_folder) as process:
        yield process


@pytest.fixture(scope="module")
def expected(published: Command, demo_photos: Path) -> dict[str, dict[str, Any]]:
    """What the command says of each photo, by filename."""
    result = published("score", demo_photos, "--json")
    assert result.returncode == 0, result.stderr
    return {Path(file).name: record for file, record in read_records(result).items()}


def lines(photos: dict[str, bytes]) -> str:
    encoded = ({"file": name, "image": base64.b64encode(data).decode()} for name, data in photos.items())
    return "\n".join(map(json.dumps, encoded))


def send_lines(server: ServingProcess, photos: dict[str, bytes]) -> list[dict[str, Any]]:
    headers = {"content-type": "application/jsonlines"}
    answer = httpx.post(f"{server.url}/invocations", content=lines(photos), headers=headers, timeout=TIMEOUT_SECONDS)
    assert answer.status_code == httpx.codes.OK, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def assert_same(served: dict[str, Any], command: dict[str, Any]) -> None:
    assert (served["width"], served["height"], served["ensemble"]) == tuple(
        command[field] for field in ("width", "height", "ensemble")
    )
    for measure, result in command["measures"].items():
        assert served["measures"][measure]["score"] == pytest.approx(result["score"], abs=BATCH_TOLERANCE)


def test_clients_at_once_get_what_the_command_says_and_a_bad_photo_fails_alone(
    server: ServingProcess, expected: dict[str, dict[str, Any]], demo_photos: Path
) -> None:
    photos = {path.name: path.read_bytes() for path in sorted(demo_photos.iterdir())}
    bad = "notes.txt"

    def send(number: int) -> None:
        first, last = (list(photos)[place % len(photos)] for place in (number, number + 1))
        records = send_lines(server, {first: photos[first], bad: b"no picture", last: photos[last]})
        assert [record["file"] for record in records] == [first, bad, last]
        assert records[1]["error"]["code"] == "unreadable_image"
        assert_same(records[0], expected[first])
        assert_same(records[2], expected[last])

    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(send, range(CLIENTS)))


def test_a_photo_alone_is_answered_with_its_record(
    server: ServingProcess, expected: dict[str, dict[str, Any]], demo_photos: Path
) -> None:
    photo = demo_photos / "coffee.png"
    answer = httpx.post(
        f"{server.url}/invocations",
        content=photo.read_bytes(),
        headers={"content-type": "image/png"},
        timeout=TIMEOUT_SECONDS,
    )

    assert answer.status_code == httpx.codes.OK
    assert_same(answer.json(), expected[photo.name])


@pytest.mark.shared_data
def test_hostile_files_cost_only_themselves(server: ServingProcess, shared_data: Path) -> None:
    some = sorted((shared_data / "hostile").iterdir())[::5]
    for paths in batched(some, 20, strict=False):
        sent = {path.name: path.read_bytes() for path in paths}
        assert [record["file"] for record in send_lines(server, sent)] == list(sent)
    assert httpx.get(f"{server.url}/ping").status_code == httpx.codes.OK


def test_terms_of_the_published_weights_are_told(server: ServingProcess) -> None:
    models = httpx.get(f"{server.url}/models").json()["models"]

    assert {model["licence"]["commercial_use"] for model in models} == {False}
    assert all("Needell" in model["citation"] for model in models if model["name"] == "resmem")


def test_sigterm_lets_accepted_photos_finish(published: Command, store_folder: Path, demo_photos: Path) -> None:
    photos = {path.name: path.read_bytes() for path in demo_photos.iterdir()}
    many = {f"{round} {name}": data for round in range(2) for name, data in photos.items()}
    with serving(store_folder, "--stop-seconds", str(TIMEOUT_SECONDS)) as server, ThreadPoolExecutor(1) as client:
        accepted = client.submit(send_lines, server, many)
        while "memorability_waiting_photos 0.0" in httpx.get(f"{server.url}/metrics").text:
            assert not accepted.done(), accepted.exception()
            time.sleep(0.01)
        server.terminate()
        while (ping := httpx.get(f"{server.url}/ping")).status_code == httpx.codes.OK:
            time.sleep(0.01)
        assert ping.json()["type"] == "urn:memorability:problem:stopping"
        assert not accepted.done(), "there was nothing left to finish"
        records = accepted.result()
        status = server.wait()

    assert [record["status"] for record in records] == ["scored"] * len(many)
    assert status == 0
    assert [line["message"] for line in server.log if line["logger"].endswith("server")] == [
        "listening",
        "stopping",
        "stopped",
    ]


def test_without_the_ensemble_the_process_ends_with_the_reason(command: Command, tmp_path: Path) -> None:
    result = command("serve", "--store", tmp_path, "--port", "0")

    assert result.returncode == 1
    assert "there is no ensemble or alias live" in result.stderr.lower()
