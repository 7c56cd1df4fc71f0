"""`memorability serve` as a process: where it listens, how it stops, and what it refuses to start with."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from model_store.store import ModelStore
from tests.serving_process import serving
from tests.unit.serving.clients import png


def refused(*options: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    program = [Path(sys.executable).with_name("memorability"), "serve", *options]
    return subprocess.run(
        program,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"COLUMNS": "200"} | environment,
    )


def test_it_serves_until_it_is_told_to_stop(published: Path) -> None:
    with serving(ModelStore(published).root) as server:
        answer = httpx.post(f"{server.url}/invocations", content=png(3), headers={"content-type": "image/png"})
        server.terminate()
        status = server.wait()

    assert (answer.status_code, answer.json()["ensemble"]) == (200, "default@1")
    assert "server" not in answer.headers
    assert status == 0
    messages = [line["message"] for line in server.log]
    assert messages[0] == "listening"
    assert messages[-2:] == ["stopping", "stopped"]


def test_a_port_that_is_taken_is_named(published: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for options, environment in ((("--port", port), {}), ((), {"SAGEMAKER_BIND_TO_PORT": port})):
            result = refused("--store", published, *options, **environment)
            assert result.returncode == 1
            assert f"nothing can listen at 127.0.0.1 port {port}: Address already in use" in result.stderr


def test_without_the_ensemble_it_does_not_go_on(published: Path) -> None:
    result = refused("--store", published, "--port", "0", "--ensemble", "lost")

    assert result.returncode == 1
    assert "Error: There is no ensemble or alias lost" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--max-lines", "500"], "128 waiting photos are fewer than the 500 of one request"),
        (["--request-megabytes", "1000"], "512 MB for all requests are less than the 1000 MB of one"),
        (["--port", "70000"], "less than or equal to 65535"),
    ],
)
def test_bad_usage_is_told_as_such(published: Path, options: list[str], message: str) -> None:
    result = refused("--store", published, *options)

    assert result.returncode == 2
    assert message in result.stderr
