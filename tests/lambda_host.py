"""Runs packaged functions as Lambda does: its own runtime client, in a bare process, with the zip and the bundle alone.

The Runtime API that the client talks to is served here: AWS Lambda developer guide, "Using the Lambda runtime API".
"""

import importlib.metadata
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, final

_API = "/2018-06-01/runtime"
_RUNTIME_CLIENT = ("awslambdaric", "simplejson", "snapshot-restore-py")  # what is in Lambda's own /var/runtime
_ARN = "arn:aws:lambda:eu-central-1:123456789012:function:packaged"
_TIMEOUT_SECONDS = 60.0
_TAIL_CHARACTERS = 4000

type Event = Mapping[str, Any]


class FunctionError(Exception):
    """The function raised, or its process ended; the message is what it told Lambda, or its log."""


@dataclass(frozen=True)
class Answer:
    """What a function returned, and the moment (`time.perf_counter`) at which it did."""

    value: Any
    at: float


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_arguments: object) -> None:
        """Says nothing: a function's process that is ended resets its connection."""


@final
class _RuntimeApi:
    """Hands events to one process and takes its answers."""

    def __init__(self) -> None:
        self.initialised: Future[float] = Future()
        self.events: SimpleQueue[tuple[str, bytes]] = SimpleQueue()
        self.answers: dict[str, Future[Answer]] = {}
        self.server = _Server(("127.0.0.1", 0), _handler_for(self))
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server.server_port}"

    def submit(self, event: Event) -> Future[Answer]:
        """Queues an event."""
        request_id = f"request-{len(self.answers)}"
        self.answers[request_id] = Future()
        self.events.put((request_id, json.dumps(event).encode()))
        return self.answers[request_id]

    def fail(self, error: FunctionError) -> None:
        """Lets everybody who waits know that there will be no answer."""
        waiting: list[Future[Any]] = [self.initialised, *self.answers.values()]
        for future in waiting:
            if not future.done():
                future.set_exception(error)


def _handler_for(api: _RuntimeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # it would hold back every event for 40 ms

        def do_GET(self) -> None:
            if not api.initialised.done():
                api.initialised.set_result(time.perf_counter())
            request_id, event = api.events.get()
            deadline = round((time.time() + _TIMEOUT_SECONDS) * 1000)
            self._reply(
                HTTPStatus.OK,
                event,
                {
                    "Content-Type": "application/json",
                    "Lambda-Runtime-Aws-Request-Id": request_id,
                    "Lambda-Runtime-Deadline-Ms": str(deadline),
                    "Lambda-Runtime-Invoked-Function-Arn": _ARN,
                    "Lambda-Runtime-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
                },
            )

        def do_POST(self) -> None:
            at, body = time.perf_counter(), self.rfile.read(int(self.headers["Content-Length"]))
            match self.path.removeprefix(_API).split("/"):
                case ["", "invocation", request_id, "response"]:
                    api.answers[request_id].set_result(Answer(json.loads(body), at))
                case ["", "invocation", request_id, "error"]:
                    api.answers[request_id].set_exception(FunctionError(body.decode()))
                case _:
                    api.fail(FunctionError(body.decode()))
            self._reply(HTTPStatus.ACCEPTED, b"{}", {})

        def _reply(self, status: HTTPStatus, body: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Says nothing: the tests do."""

    return Handler


@dataclass(frozen=True)
class Container:
    """A running function.

    Attributes:
        process: the process.
        started_at: when it was started, by `time.perf_counter`.
        api: what it talks to.
        log: what it prints.
    """

    process: subprocess.Popen[bytes]
    started_at: float
    api: _RuntimeApi
    log: Path

    def initialised_at(self) -> float:
        """When it first asked for an event; raises `FunctionError` if it never does."""
        return self.api.initialised.result(_TIMEOUT_SECONDS)

    def invoke(self, event: Event) -> Answer:
        """Has an event handled; raises `FunctionError`, with the log, if the function raises."""
        try:
            return self.api.submit(event).result(_TIMEOUT_SECONDS)
        except FunctionError as error:
            error.add_note(_tail(self.log))
            raise

    def status_bytes(self, field: str) -> int:
        """A figure of /proc/PID/status in bytes, for example `VmHWM`."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


@contextmanager
def start_container(
    task: Path, handler: str, environment: Mapping[str, str], bundle: Path | None, scratch: Path
) -> Iterator[Container]:
    """Starts a function; its process is ended with the context.

    Args:
        task: the unzipped package.
        handler: `module.function`.
        environment: the function's variables; it gets no others but those that Lambda sets.
        bundle: the unpacked dependencies, if there are any.
        scratch: a folder for its log and for the runtime client.
    """
    api, log = _RuntimeApi(), scratch / "log.txt"
    variables = {
        **environment,
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "AWS_LAMBDA_FUNCTION_NAME": handler.split(".")[1],
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "3008",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "LAMBDA_TASK_ROOT": str(task),
        "LANG": "en_US.UTF-8",
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(
            map(str, [bundle, _runtime_client(scratch)] if bundle else [_runtime_client(scratch)])
        ),
    }
    # -S and -s keep away what is installed beside this interpreter.
    command = [sys.executable, "-S", "-s", "-m", "awslambdaric", handler]
    with log.open("ab") as output:
        started_at = time.perf_counter()
        process = subprocess.Popen(command, cwd=task, env=variables, stdout=output, stderr=subprocess.STDOUT)
    Thread(target=_watch, args=(process, api, log), daemon=True).start()
    try:
        yield Container(process, started_at, api, log)
    finally:
        process.kill()
        process.wait()
        api.server.shutdown()
        api.server.server_close()


def _watch(process: subprocess.Popen[bytes], api: _RuntimeApi, log: Path) -> None:
    code = process.wait()
    api.fail(FunctionError(f"the process ended with {code}: {_tail(log)}"))


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-_TAIL_CHARACTERS:]


def _runtime_client(scratch: Path) -> Path:
    """A folder with Lambda's runtime client and nothing else of this environment."""
    folder = scratch / "var-runtime"
    folder.mkdir(exist_ok=True)
    for name in _RUNTIME_CLIENT:
        distribution = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or [] if file.parts[0] not in ("..", "bin")}:
            link = folder / top
            if not link.exists():
                link.symlink_to(Path(str(distribution.locate_file(top))))
    return folder
