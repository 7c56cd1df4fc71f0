"""MiniStack, an emulator of AWS that needs no Docker, as a process of its own on the loopback address."""

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any, final

import boto3
from botocore.config import Config

from scripts.local_platform.errors import LocalPlatformError
from scripts.local_platform.layout import Layout
from scripts.packaging.architecture import PYTHON
from scripts.packaging.tools import ensure_environment

# Without `cryptography` the emulator refuses every JSON web token.
REQUIREMENTS = ("ministack==1.5.33", "cryptography==50.0.2")
REGION = "eu-central-1"
ACCOUNT_ADMIN = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
"""The emulator's root user, with any secret."""

_HEALTH_PATH = "/_ministack/health"
_START_SECONDS = 30.0
_STOP_SECONDS = 15.0
_POLL_SECONDS = 0.1
_IDLE_WORKER_SECONDS = 900  # a scorer that waits holds over 0.5 GB, but a new one takes seconds to start
# The publisher compiles for minutes; the emulator answers only then.
_CLIENT_CONFIG = Config(read_timeout=900, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})


@final
@dataclass(frozen=True)
class Emulator:
    """The emulator.

    Attributes:
        layout: where its things are.
        port: TCP port on the loopback address.
    """

    layout: Layout
    port: int

    @property
    def endpoint_url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def client_environment(self) -> dict[str, str]:
        """What makes AWS's tools use it, as the root user of its one account."""
        return ACCOUNT_ADMIN | {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str) -> Any:
        """A boto3 client of it, as the root user."""
        session = boto3.Session(
            aws_access_key_id=ACCOUNT_ADMIN["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=ACCOUNT_ADMIN["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )
        # Not one of the services by name: each would need its own package of types.
        return session.client(service, endpoint_url=self.endpoint_url, config=_CLIENT_CONFIG)  # type: ignore[call-overload]

    def install(self) -> None:
        """Makes the emulator's environment, with the Python version of the functions, where it is not there."""
        ensure_environment(self.layout.venv, REQUIREMENTS, PYTHON)

    def is_running(self) -> bool:
        """Whether the process that was started here runs and answers."""
        return self._process() is not None and self._is_healthy()

    def start(self) -> None:
        """Starts it and waits until it answers.

        Raises:
            LocalPlatformError: something else listens on the port, or it does not come up.
        """
        if self._is_healthy():
            raise LocalPlatformError(
                f"An emulator that was not started here answers on port {self.port}: stop it, or set "
                "MEMORABILITY_LOCAL_PORT to another port."
            )
        self.layout.scratch.mkdir(parents=True, exist_ok=True)
        program, log = self.layout.venv / "bin" / "ministack", self.layout.emulator_log
        pid = os.posix_spawn(  # and not subprocess, which minds that it outlives this process
            program,
            [str(program)],
            self._environment(),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,  # its workers can be ended with it
        )
        self.layout.pid_file.write_text(str(pid))
        self._wait_until_healthy()

    def stop(self) -> None:
        """Ends it and its workers; does nothing where it does not run."""
        pid = self._process()
        if pid is None:
            return
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while self._process() is not None and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        try:
            os.killpg(pid, signal.SIGKILL)  # what is left of its group: a worker that did not heed it
        except ProcessLookupError:
            return

    def _environment(self) -> dict[str, str]:
        """Everything it runs with. Its workers inherit it, so nothing of this process's own environment is in it."""
        state = self.layout.run / "state"
        return {
            "AUTH": "true",  # roles may do what their policies say, and nothing else
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "HOME": str(self.layout.run),
            "LAMBDA_WARM_TTL_SECONDS": str(_IDLE_WORKER_SECONDS),
            "LANG": "C.UTF-8",
            "MINISTACK_HOST": "localhost",  # the page is found by a name that ends in it
            "MINISTACK_REGION": REGION,
            "PATH": os.environ.get("PATH", os.defpath),
            "S3_DATA_DIR": str(state / "s3"),
            "STATE_DIR": str(state),
            "TMPDIR": str(self.layout.scratch),
        }

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process() is not None:
            if self._is_healthy():
                return
            time.sleep(_POLL_SECONDS)
        raise LocalPlatformError(f"The emulator did not start: see {self.layout.emulator_log}.")

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(self.endpoint_url + _HEALTH_PATH, timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _process(self) -> int | None:
        """The emulator's process number, unless it ended and its number is another process's now."""
        try:
            pid = int(self.layout.pid_file.read_text())
        except (FileNotFoundError, ValueError):
            return None
        shown = subprocess.run(
            ["ps", "-o", "stat=,args=", "-p", str(pid)], check=False, capture_output=True, text=True
        ).stdout.strip()
        return pid if str(self.layout.venv) in shown and not shown.startswith("Z") else None
