"""The routes: `/ping`, `/invocations`, `/models` and `/metrics`."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Any, final

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from memorability.serving.batching import AnyRecord
from memorability.serving.bodies import photo_of_image, photos_of_lines, read_body, too_large
from memorability.serving.catalogue import describe
from memorability.serving.problems import Problem
from memorability.serving.request_log import RequestLog
from memorability.serving.service import ScoringService
from model_store.runtime.scoring import Photo

LINES = "application/jsonlines"
LINES_TYPES = frozenset({LINES, "application/x-jsonlines", "application/jsonl", "application/x-ndjson"})
IMAGE_TYPES = frozenset({"application/octet-stream", "application/x-image"})
CLIENT_CLOSED_REQUEST = 499  # as nginx counts requests whose client went away; nobody receives it

type Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


def create_app(service: ScoringService, lifespan: Lifespan | None = None) -> Starlette:
    """The application; `service` has to be running while it serves."""
    endpoints = _Endpoints(service)
    routes = [
        Route("/ping", endpoints.ping),
        Route("/invocations", endpoints.invocations, methods=["POST"]),
        Route("/models", endpoints.models),
        Route("/metrics", endpoints.metrics),
    ]
    log = Middleware(RequestLog, metrics=service.metrics, paths=frozenset(route.path for route in routes))
    handlers: dict[Any, Any] = {
        Problem: _tell_problem,
        HTTPException: _tell_refusal,
        ClientDisconnect: _tell_nobody,
        Exception: _tell_fault,
    }
    return Starlette(routes=routes, middleware=[log], exception_handlers=handlers, lifespan=lifespan)


@final
class _Endpoints:
    def __init__(self, service: ScoringService) -> None:
        self._service = service

    async def ping(self, _request: Request) -> Response:
        """200 as soon as an ensemble is loaded, and until the server is told to stop."""
        return JSONResponse({"ensemble": self._service.serving().spec.ref})

    async def invocations(self, request: Request) -> Response:
        """The record of one photo, or those of many in their order."""
        service, rules = self._service, self._service.rules
        lines = _is_lines(request)
        with service.accept(_declared_bytes(request, rules.max_request_bytes)) as ensemble:
            body = await read_body(request.stream(), rules.max_request_bytes, rules.body_seconds)
            photos = await service.in_thread(lambda: _photos(body, rules.max_lines, lines=lines))
            records = await _unless_abandoned(request, service.score(ensemble, photos))
        request.state.photos = len(records)
        request.state.failed = sum(record.status == "failed" for record in records)
        return _lines_response(records) if lines else Response(records[0].to_json(), media_type="application/json")

    async def models(self, _request: Request) -> Response:
        """The ensemble that serves, and its members with licence, citation and measured performance."""
        return JSONResponse(describe(self._service.serving().spec))

    async def metrics(self, _request: Request) -> Response:
        """For Prometheus."""
        return Response(self._service.metrics.exposition(), media_type=CONTENT_TYPE_LATEST)


def _is_lines(request: Request) -> bool:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type in LINES_TYPES:
        return True
    if media_type in IMAGE_TYPES or media_type.startswith("image/"):
        return False
    detail = f"{media_type or 'no content type'} is not read here; send image/*, application/octet-stream or {LINES}"
    raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail)


def _declared_bytes(request: Request, max_bytes: int) -> int:
    """The size that a request says its body has; one that does not say may have all that is allowed."""
    declared = int(request.headers.get("content-length", max_bytes))  # the server refuses what is no number
    if declared > max_bytes:
        raise too_large(max_bytes)
    return declared


def _photos(body: bytes, max_lines: int, *, lines: bool) -> list[Photo]:
    return photos_of_lines(body, max_lines) if lines else [photo_of_image(body)]


def _lines_response(records: Sequence[AnyRecord]) -> Response:
    return Response("".join(record.to_json() + "\n" for record in records), media_type=LINES)


async def _unless_abandoned[Result](request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """The result of work that is given up when the client goes away; the request's body must have been read."""
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()


async def _tell_problem(_request: Request, problem: Problem) -> Response:
    return problem.response()


async def _tell_refusal(_request: Request, refusal: HTTPException) -> Response:
    """No such route, or not by this method."""
    status = HTTPStatus(refusal.status_code)
    response = Problem(status, status.phrase.lower().replace(" ", "-"), status.description).response()
    response.headers.update(refusal.headers or {})
    return response


async def _tell_nobody(_request: Request, _reason: ClientDisconnect) -> Response:
    return Response(status_code=CLIENT_CLOSED_REQUEST)


async def _tell_fault(_request: Request, _error: Exception) -> Response:
    """A fault of ours; the server logs it."""
    detail = "the photos could not be scored through a fault of this server; its log says why"
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "fault", detail).response()
