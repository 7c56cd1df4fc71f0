"""`memorability serve` as its users run it: a process of its own."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

START_SECONDS = 120  # a model without executables for this machine is compiled first
STOP_SECONDS = 40


@dataclass
class ServingProcess:
    """The process, where it listens, and what it has logged so far."""

    process: subprocess.Popen[str]
    url: str = ""
    log: list[dict[str, Any]] = field(default_factory=list)

    def terminate(self) -> None:
        """Sends SIGTERM and returns at once."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """The exit status."""
        return self.process.wait(STOP_SECONDS)

    def read_log(self, listening: threading.Event) -> None:
        """Takes log lines until the process ends; anything but JSON fails the thread, and with it the test."""
        assert self.process.stderr
        for line in self.process.stderr:
            self.log.append(json.loads(line))
            if self.log[-1]["message"] == "listening":
                self.url = f"http://127.0.0.1:{self.log[-1]['port']}"
                listening.set()


@contextmanager
def serving(store: Path, *options: str) -> Iterator[ServingProcess]:
    """A server over a store that answers its ping; it is ended with the block."""
    command: list[str | Path] = [
        Path(sys.executable).with_name("memorability"),
        "serve",
        "--store",
        store,
        "--port",
        "0",
        *options,
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SAGEMAKER")}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        server, listening = ServingProcess(process), threading.Event()
        reader = threading.Thread(target=server.read_log, args=(listening,))
        reader.start()
        try:
            assert listening.wait(START_SECONDS), server.log
            wait_until_ready(server.url)
            yield server
        finally:
            process.kill()
            reader.join()


def wait_until_ready(url: str) -> None:
    """Returns when the ping is answered with 200."""
    end = time.monotonic() + START_SECONDS
    while httpx.get(f"{url}/ping").status_code != httpx.codes.OK:
        assert time.monotonic() < end, "the ensemble is not loaded in time"
        time.sleep(0.05)
