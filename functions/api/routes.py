"""The routes: each takes what was validated, asks the logic, and gives back what it says."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Request, Response
from aws_lambda_powertools.event_handler.depends import Depends
from aws_lambda_powertools.event_handler.openapi.params import Body, Header, Path, Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from functions.api.callers import Caller
from functions.api.limits import DEFAULT_PAGE, MAX_CURSOR_CHARACTERS, MAX_PAGE
from functions.api.openapi import answers
from functions.api.problems import ProblemKind
from functions.api.requests import HeatmapsRequest, MoreUploads, NewBatch
from functions.api.responses import (
    BatchDetail,
    BatchesPage,
    CreatedBatch,
    EnsemblesPage,
    HeatmapsRequested,
    ModelsPage,
    PhotosPage,
    Uploads,
)
from functions.api.services import Services
from model_store.heatmaps.subjects import AnyRef
from model_store.store.manifest import Measure

CSV = "text/csv; charset=utf-8"

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Turn:
    """Who asks, and what answers."""

    caller: Caller
    services: Services


def turn_of(request: Request) -> Turn:
    """What the application put there before it looked for a route."""
    turn: Turn = request.context["turn"]
    return turn


ThisTurn = Annotated[Turn, Depends(turn_of)]
BatchId = Annotated[str, Path(description="id of a batch")]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="how many to give at most")]
Cursor = Annotated[
    str | None,
    Query(max_length=MAX_CURSOR_CHARACTERS, description="`next_cursor` of the page before; none for the first page"),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[!-~]{1,128}$",
        description="a random one for each batch: the same request with the same key, within a day, makes no other",
    ),
]
OfEnsemble = Annotated[AnyRef | None, Query(description="only results of this ensemble: `NAME` or `NAME@VERSION`")]
OfMeasure = Annotated[Measure | None, Query(description="only results of this measure")]

_UNKNOWN, _INVALID = ProblemKind.NOT_FOUND, ProblemKind.INVALID_REQUEST
_BODY = (ProblemKind.MALFORMED_JSON, ProblemKind.UNSUPPORTED_MEDIA_TYPE, _INVALID)
_PAGE = (ProblemKind.INVALID_CURSOR, _INVALID)


@router.post(
    "/batches",
    tags=["batches"],
    operation_id="createBatch",
    summary="Make a batch",
    status_code=HTTPStatus.CREATED,
    responses=answers(
        201,
        "The batch, and a form for each file",
        CreatedBatch,
        *_BODY,
        ProblemKind.CONFLICT,
        ProblemKind.CONCURRENT_REQUEST,
        ProblemKind.IDEMPOTENCY_KEY_REUSED,
        ProblemKind.UNAVAILABLE,
    ),
)
def create_batch(
    turn: ThisTurn, batch: Annotated[NewBatch, Body()], idempotency_key: IdempotencyKey = None
) -> CreatedBatch:
    """Makes a batch and signs the forms to upload its files."""
    return turn.services.batches.create(turn.caller, batch, idempotency_key)


@router.get(
    "/batches",
    tags=["batches"],
    operation_id="listBatches",
    summary="List batches, newest first",
    responses=answers(200, "A page of batches", BatchesPage, *_PAGE),
)
def list_batches(turn: ThisTurn, limit: Limit = DEFAULT_PAGE, cursor: Cursor = None) -> BatchesPage:
    """Lists the tenant's batches."""
    return turn.services.batches.page(turn.caller, limit, cursor)


@router.get(
    "/batches/<batch>",
    tags=["batches"],
    operation_id="readBatch",
    summary="Read a batch",
    responses=answers(200, "The batch and how far it is", BatchDetail, _UNKNOWN),
)
def read_batch(turn: ThisTurn, batch: BatchId) -> BatchDetail:
    """Reads a batch."""
    return turn.services.batches.read(turn.caller, batch)


@router.delete(
    "/batches/<batch>",
    tags=["batches"],
    operation_id="deleteBatch",
    summary="Delete a batch with all its photos and results",
    status_code=HTTPStatus.NO_CONTENT,
    responses=answers(
        204,
        "Nothing of it is shown any more, and all that there was is deleted; where it fails, repeat it. Of photos that "
        "arrive meanwhile, some may remain, hidden, until they expire; deleting again within a day removes those, too",
        None,
        _UNKNOWN,
        ProblemKind.CONCURRENT_REQUEST,
    ),
)
def delete_batch(turn: ThisTurn, batch: BatchId) -> Response[str]:
    """Deletes a batch."""
    turn.services.batches.delete(turn.caller, batch)
    return Response(HTTPStatus.NO_CONTENT, body="")  # the local platform breaks off over a body that is null


@router.get(
    "/batches/<batch>/photos",
    tags=["results"],
    operation_id="listPhotos",
    summary="List a batch's photos with results, ranks and heatmaps, by name",
    compress=True,
    responses=answers(200, "A page of photos", PhotosPage, _UNKNOWN, *_PAGE),
)
def list_photos(
    turn: ThisTurn,
    batch: BatchId,
    ensemble: OfEnsemble = None,
    measure: OfMeasure = None,
    limit: Limit = DEFAULT_PAGE,
    cursor: Cursor = None,
) -> PhotosPage:
    """Lists a batch's photos."""
    return turn.services.photos.page(turn.caller, batch, ensemble, measure, limit, cursor)


@router.post(
    "/batches/<batch>/uploads",
    tags=["batches"],
    operation_id="addUploads",
    summary="Get more upload forms: for more files, or for those whose forms expired",
    status_code=HTTPStatus.CREATED,
    responses=answers(201, "A form for each file", Uploads, *_BODY, _UNKNOWN, ProblemKind.CONCURRENT_REQUEST),
)
def add_uploads(turn: ThisTurn, batch: BatchId, uploads: Annotated[MoreUploads, Body()]) -> Uploads:
    """Signs more forms."""
    return turn.services.batches.add_uploads(turn.caller, batch, uploads)


@router.post(
    "/batches/<batch>/heatmaps",
    tags=["results"],
    operation_id="requestHeatmaps",
    summary="Ask for heatmaps of photos; they appear in the list of photos",
    status_code=HTTPStatus.ACCEPTED,
    responses=answers(
        202, "What became of each", HeatmapsRequested, *_BODY, _UNKNOWN, ProblemKind.NO_WORKERS, ProblemKind.UNAVAILABLE
    ),
)
def request_heatmaps(turn: ThisTurn, batch: BatchId, heatmaps: Annotated[HeatmapsRequest, Body()]) -> HeatmapsRequested:
    """Asks for heatmaps."""
    return turn.services.heatmaps.request(turn.caller, batch, heatmaps)


@router.get(
    "/batches/<batch>/export.csv",
    tags=["results"],
    operation_id="exportCsv",
    summary="Get all results of a batch as CSV, ranked",
    responses=answers(200, "A table with a line for each photo and ensemble", CSV, _UNKNOWN),
)
def export_csv(turn: ThisTurn, batch: BatchId) -> Response[str]:
    """Exports a batch."""
    disposition = f'attachment; filename="memorability-{batch}.csv"'
    return Response(
        HTTPStatus.OK, CSV, turn.services.photos.csv(turn.caller, batch), headers={"Content-Disposition": disposition}
    )


@router.get(
    "/models",
    tags=["models"],
    operation_id="listModels",
    summary="List models with licence, citation and measured performance",
    responses=answers(200, "A page of models", ModelsPage, *_PAGE, ProblemKind.UNAVAILABLE),
)
def list_models(turn: ThisTurn, limit: Limit = DEFAULT_PAGE, cursor: Cursor = None) -> ModelsPage:
    """Lists models."""
    return turn.services.catalogue.models(turn.caller, limit, cursor)


@router.get(
    "/ensembles",
    tags=["models"],
    operation_id="listEnsembles",
    summary="List ensembles and the models they are made of",
    responses=answers(200, "A page of ensembles", EnsemblesPage, *_PAGE, ProblemKind.UNAVAILABLE),
)
def list_ensembles(turn: ThisTurn, limit: Limit = DEFAULT_PAGE, cursor: Cursor = None) -> EnsemblesPage:
    """Lists ensembles."""
    return turn.services.catalogue.ensembles(turn.caller, limit, cursor)
