"""The stand-in's API; what it takes and gives is checked against the API's description."""

import csv
import io
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from functions.api.catalogue import ensemble_faults
from functions.api.names import check_file_name
from functions.api.problems import PROBLEM_JSON, Fault, ProblemError, ProblemKind
from model_store.images.errors import ImageError
from tests.browser.fake.contract import ContractError, check_answer, check_request
from tests.browser.fake.sign_in import SignIn
from tests.browser.fake.state import ENSEMBLE, Batch, Heatmap, State
from tests.browser.fake.storage import Storage
from tests.browser.fake.views import ensemble_views, model_views, photo_views

CHANGED_BY_OTHERS = "The batch is being changed by others; try again."

type Handler = Callable[[Request], Awaitable[Response]]
type Action = Callable[[str, Request, Any], Response]


def problem(kind: ProblemKind, detail: str) -> Response:
    """What the API answers where it refuses a request."""
    return answer_of(ProblemError(kind, detail))


def invalid(faults: Sequence[Fault]) -> Response:
    """What the API answers to a request with faults."""
    return answer_of(ProblemError.invalid(*faults))


def answer_of(error: ProblemError) -> Response:
    document = error.document
    return JSONResponse(document.model_dump(exclude_defaults=True), document.status, media_type=PROBLEM_JSON)


class Api:
    """Batches, results and heatmaps."""

    def __init__(self, state: State, sign_in: SignIn, storage: Storage) -> None:
        self._state = state
        self._sign_in = sign_in
        self._storage = storage

    def routes(self) -> list[Route]:
        actions: list[tuple[str, str, Action]] = [
            ("POST", "/batches", self._create),
            ("GET", "/batches", self._list),
            ("GET", "/batches/{batch}", self._read),
            ("DELETE", "/batches/{batch}", self._delete),
            ("GET", "/batches/{batch}/photos", self._photos),
            ("POST", "/batches/{batch}/uploads", self._uploads),
            ("POST", "/batches/{batch}/heatmaps", self._heatmaps),
            ("GET", "/batches/{batch}/export.csv", self._export),
            ("GET", "/models", self._models),
            ("GET", "/ensembles", self._ensembles),
        ]
        return [Route(path, self._checked(action), methods=[method]) for method, path, action in actions]

    def _checked(self, action: Action) -> Handler:
        async def handle(request: Request) -> Response:
            path, body = request.url.path, await request.body()
            sent = json.loads(body) if body else None
            try:
                check_request(request.method, path, dict(request.query_params), sent)
                answer = self._answer(action, request, sent)
                is_json = answer.media_type in {"application/json", PROBLEM_JSON}
                given = json.loads(bytes(answer.body)) if is_json else None
                check_answer(request.method, path, answer.status_code, str(answer.media_type), given)
            except ContractError as error:
                self._state.problems.append(str(error))
                return problem(ProblemKind.INTERNAL_ERROR, str(error))
            return answer

        return handle

    def _answer(self, action: Action, request: Request, sent: Any) -> Response:
        if self._state.behaviour.is_down:
            said = "Something went wrong here, and it was written down. Please try again."
            return problem(ProblemKind.INTERNAL_ERROR, said)
        tenant = self._sign_in.tenant(request)
        if tenant is None:
            return problem(ProblemKind.NO_TOKEN, "This needs the id token of a user.")
        if "batch" in request.path_params and not self._knows(tenant, request):
            return problem(ProblemKind.NOT_FOUND, "There is no such batch.")
        return action(tenant, request, sent)

    def _knows(self, tenant: str, request: Request) -> bool:
        batch = request.path_params["batch"]
        was_deleted = request.method == "DELETE" and (tenant, batch) in self._state.deletions
        return was_deleted or self._state.batch_of(tenant, batch) is not None

    def _known(self, tenant: str, request: Request) -> Batch:
        return self._state.batches[request.path_params["batch"]]

    def _create(self, tenant: str, request: Request, wish: Any) -> Response:
        files = wish["files"]
        others = [*self._ensemble_faults(wish["ensembles"]), *self._size_faults(files)]
        if faults := _name_faults(files) or others:
            return invalid(faults)
        key = request.headers["idempotency-key"]
        if self._is_among_others():
            said = "The batch of this Idempotency-Key is being made; send the request again."
            return problem(ProblemKind.CONCURRENT_REQUEST, said)
        made = self._state.creations.get(key)
        if made is not None and made not in self._state.batches:
            said = "The batch that this Idempotency-Key made is gone; use a new key for a new batch."
            return problem(ProblemKind.CONFLICT, said)
        batch = self._state.create(tenant, wish, key)
        forms = [self._storage.form(batch, file["name"]) for file in files]
        return JSONResponse({"batch": batch.summary(), "uploads": forms}, 201)

    def _list(self, tenant: str, request: Request, _: Any) -> Response:
        own = [batch for batch in self._state.batches.values() if batch.tenant == tenant]
        newest_first = sorted(own, key=lambda batch: batch.created_at, reverse=True)
        start = int(request.query_params.get("cursor", "0"))
        end = start + 2
        cursor = str(end) if end < len(own) else None
        return JSONResponse({"batches": [batch.summary() for batch in newest_first[start:end]], "next_cursor": cursor})

    def _read(self, tenant: str, request: Request, _: Any) -> Response:
        batch = self._known(tenant, request)
        states = [photo.state for photo in batch.photos.values()]
        counts = {state: states.count(state) for state in ("scored", "failed", "waiting")}
        return JSONResponse(batch.summary() | {"counts": counts | {"declared": len(states)}})

    def _delete(self, tenant: str, request: Request, _: Any) -> Response:
        batch = request.path_params["batch"]
        if self._is_among_others():
            return problem(ProblemKind.CONCURRENT_REQUEST, CHANGED_BY_OTHERS)
        self._state.batches.pop(batch, None)
        self._state.deletions.append((tenant, batch))
        return Response(status_code=204)

    def _photos(self, tenant: str, request: Request, _: Any) -> Response:
        views = photo_views(self._known(tenant, request), self._state.behaviour, self._storage.link)
        start, limit = int(request.query_params.get("cursor", "0")), int(request.query_params["limit"])
        cursor = str(start + limit) if start + limit < len(views) else None
        return JSONResponse({"photos": views[start : start + limit], "next_cursor": cursor})

    def _uploads(self, tenant: str, request: Request, wish: Any) -> Response:
        batch = self._known(tenant, request)
        if faults := _name_faults(wish["files"]) or self._size_faults(wish["files"]):
            return invalid(faults)
        if self._is_among_others():
            return problem(ProblemKind.CONCURRENT_REQUEST, CHANGED_BY_OTHERS)
        self._state.declare(batch, wish["files"])
        return JSONResponse({"uploads": [self._storage.form(batch, file["name"]) for file in wish["files"]]}, 201)

    def _is_among_others(self) -> bool:
        """Whether others change the batch at the same time; each time that they do counts."""
        is_so = self._state.behaviour.concurrent_changes > 0
        self._state.behaviour.concurrent_changes -= is_so
        return is_so

    def _ensemble_faults(self, refs: list[str]) -> list[Fault]:
        pinned = {ref: ref.partition("@")[0] for ref in (ENSEMBLE, *self._state.behaviour.more_ensembles)}
        found = ensemble_faults(refs, pinned.get)
        return [Fault(place=f"body/ensembles/{position}", detail=fault) for position, fault in found.items()]

    def _size_faults(self, files: list[dict[str, Any]]) -> list[Fault]:
        most = self._state.behaviour.max_image_bytes
        return [
            Fault(
                place=f"body/files/{position}/bytes",
                detail=str(ImageError.too_many_bytes(file["name"], file["bytes"], most)),
            )
            for position, file in enumerate(files)
            if file["bytes"] > most
        ]

    def _heatmaps(self, tenant: str, request: Request, wish: Any) -> Response:
        batch = self._known(tenant, request)
        if not self._state.behaviour.has_workers:
            return problem(ProblemKind.NO_WORKERS, "This deployment has no workers that make heatmaps.")
        asked = [(name, s, m) for name in wish["photos"] for s in wish["subjects"] for m in wish["methods"]]
        ready_at = time.monotonic() + self._state.behaviour.heatmap_seconds
        for name, subject, method in asked:
            batch.photos[name].heatmaps.append(Heatmap(subject, method, ready_at))
        requests = [{"photo": name, "subject": s, "method": m, "status": "queued"} for name, s, m in asked]
        return JSONResponse({"requests": requests}, 202)

    def _export(self, tenant: str, request: Request, _: Any) -> Response:
        file = io.StringIO()
        rows = csv.writer(file)
        rows.writerow(["photo", "state"])
        rows.writerows((photo.name, photo.state) for photo in self._known(tenant, request).photos.values())
        answer = Response(file.getvalue(), headers={"Content-Type": "text/csv; charset=utf-8"})
        answer.media_type = "text/csv; charset=utf-8"
        return answer

    def _models(self, tenant: str, request: Request, _: Any) -> Response:
        return JSONResponse({"models": model_views(), "next_cursor": None})

    def _ensembles(self, tenant: str, request: Request, _: Any) -> Response:
        views = ensemble_views(self._state.behaviour.more_ensembles)
        return JSONResponse({"ensembles": views, "next_cursor": None})


def _name_faults(files: list[dict[str, Any]]) -> list[Fault]:
    """What is wrong with names, which the API looks at before everything else."""
    return [
        Fault(place=f"body/files/{position}/name", detail=fault)
        for position, file in enumerate(files)
        if (fault := _name_fault(file["name"]))
    ]


def _name_fault(name: str) -> str | None:
    try:
        check_file_name(name)
    except ValueError as error:
        return str(error)
    return None
