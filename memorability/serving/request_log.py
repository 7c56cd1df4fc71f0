"""One line of log and one count for every request."""

import logging
import time
import uuid
from typing import final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from memorability.serving.metrics import ServingMetrics

logger = logging.getLogger(__name__)

REQUEST_ID = "x-request-id"
# SageMaker's name for the same: `InferenceId` of InvokeEndpoint.
_ID_HEADERS = (REQUEST_ID.encode(), b"x-amzn-sagemaker-inference-id")
_MAX_ID_BYTES = 128
OTHER_PATH = "other"


@final
class RequestLog:
    """ASGI middleware that logs, counts and names requests by an id, which the answer carries too."""

    def __init__(self, app: ASGIApp, metrics: ServingMetrics, paths: frozenset[str]) -> None:
        """Wraps an application.

        Args:
            app: the application.
            metrics: told of every request.
            paths: those that are counted by name; whatever else clients try is counted as one.
        """
        self._app = app
        self._metrics = metrics
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status, request_id = time.perf_counter(), 500, _request_id(scope)
        scope.setdefault("state", {})

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        finally:
            self._tell(scope, status, time.perf_counter() - start, request_id)

    def _tell(self, scope: Scope, status: int, seconds: float, request_id: str) -> None:
        path = scope["path"] if scope["path"] in self._paths else OTHER_PATH
        self._metrics.count_request(path, status, seconds)
        facts = {name: scope["state"][name] for name in ("photos", "failed") if name in scope["state"]}
        facts |= {"status": status, "seconds": round(seconds, 4), "request_id": request_id}
        level = logging.DEBUG if status < 400 and path != "/invocations" else logging.INFO
        logger.log(level, "%s %s", scope["method"], path, extra={"facts": facts})


def _request_id(scope: Scope) -> str:
    """The client's id where it gives a printable one, else a new one."""
    headers: dict[bytes, bytes] = dict(scope["headers"])
    for name in _ID_HEADERS:
        given = headers.get(name, b"")[:_MAX_ID_BYTES].decode("latin-1")
        if given and given.isascii() and given.isprintable():
            return given
    return uuid.uuid4().hex
