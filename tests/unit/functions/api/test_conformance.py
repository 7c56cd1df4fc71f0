"""Requests that schemathesis makes of the OpenAPI document: no server error, and every answer as the document says."""

import copy
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import booleans
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.http_api import http_event, user
from tests.unit.functions.api.conftest import World, build, failed, make_store
from tests.unit.functions.api.test_authorisation import ROUTES

TOKEN = "Bearer token"


class Gateway:
    """A WSGI application that stands for API Gateway: a request that has the token has its claims."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        headers = {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
        headers["content-type"] = environ.get("CONTENT_TYPE", "")
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or None
        claims = self._world.client.claims if headers.get("AUTHORIZATION") == TOKEN else None
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        event = http_event(environ["REQUEST_METHOD"], path, body, headers, claims, query=environ["QUERY_STRING"])
        answer = user(self._world.client.handle).send(event)
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(answer.headers.items()))
        return [answer.body]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(make_store(tmp_path_factory.mktemp("conformance")))


@pytest.fixture(scope="module")
def batch(world: World) -> str:
    batch = world.batch("a.jpg", "b.jpg", "c.jpg")
    world.score(batch, "a.jpg", 0.8)
    world.keep(batch, "b.jpg", failed("b.jpg"))
    return batch


@pytest.fixture(scope="module")
def api(world: World) -> Any:
    return schemathesis.openapi.from_wsgi("/openapi.json", Gateway(world))


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route[2])
def test_every_answer_is_as_the_document_says(
    route: tuple[str, str, str], mode: GenerationMode, api: Any, world: World, batch: str
) -> None:
    operation = api[route[1]][route[0]]

    @given(operation.as_strategy(generation_mode=mode), booleans())
    @settings(max_examples=30, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def ask(case: "schemathesis.Case[Any]", is_known: bool) -> None:
        items = copy.deepcopy(world.table.items)
        if is_known and "batch" in case.path_parameters:
            case.path_parameters["batch"] = batch
        case.headers["Authorization"] = TOKEN  # in the case itself: else one without a token passes for invalid
        # Some rules cannot be said in a schema: names that differ from each other, ensembles that there are.
        case.call_and_validate(excluded_checks=[positive_data_acceptance])
        world.table.items = items

    ask()
