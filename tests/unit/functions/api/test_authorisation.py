"""Every route of the OpenAPI document: without a token, of another tenant, with guessed ids, with names that lead out.

Whether a token is genuine is API Gateway's to say; `tests/platform/test_api.py` tries that on the platform.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from functions.api.app import resolver
from functions.api.openapi import document
from tests.http_api import Answer, Client
from tests.unit.functions.api.conftest import World, files

BODIES: dict[str, Any] = {
    "createBatch": {"name": "Spring", "files": files("a.jpg")},
    "addUploads": {"files": files("b.jpg")},
    "requestHeatmaps": {"photos": ["a.jpg"], "subjects": [{"model": "resmem"}], "methods": ["gradcam"]},
}
GUESSES = ["0" * 32, "x", "..", "BATCH", "a%2Fb", "TENANT#acme#BATCH", "\U0010ffff", "é", "' OR 1=1", "x" * 2000]


def routes() -> Iterator[tuple[str, str, str]]:
    for path, operations in document(resolver())["paths"].items():
        for method, operation in operations.items():
            yield method.upper(), path, operation["operationId"]


ROUTES = [route for route in routes() if route[2] != "readDocument"]
ROUTES_OF_A_BATCH = [route for route in ROUTES if "{batch}" in route[1]]


def ask(client: Client, route: tuple[str, str, str], batch: str) -> Answer:
    method, path, operation = route
    return client.call(method, path.replace("{batch}", batch), BODIES.get(operation))


@pytest.fixture
def batch(world: World) -> str:
    batch = world.batch("a.jpg")
    world.score(batch, "a.jpg", 0.8)
    return batch


def test_every_body_that_a_route_takes_is_tried() -> None:
    takes_body = {
        operation["operationId"]
        for operations in document(resolver())["paths"].values()
        for operation in operations.values()
        if "requestBody" in operation
    }
    assert takes_body == set(BODIES)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route[2])
def test_without_a_token(route: tuple[str, str, str], world: World, batch: str) -> None:
    known, unknown = (ask(replace(world.client, claims=None), route, one) for one in (batch, "0" * 32))
    assert known.kind == "no-token"
    assert known == unknown


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route[2])
def test_without_a_tenant(route: tuple[str, str, str], world: World, batch: str) -> None:
    assert ask(Client(world.client.handle, {"sub": "ada"}), route, batch).kind == "no-tenant"


@pytest.mark.parametrize("route", ROUTES_OF_A_BATCH, ids=lambda route: route[2])
def test_another_tenants_batch_is_answered_like_none(route: tuple[str, str, str], world: World, batch: str) -> None:
    before = json.dumps(sorted(map(str, world.table.items.values())))
    theirs = world.client.of_tenant("globex")

    answers = [ask(theirs, route, one) for one in (batch, *GUESSES)]

    assert {(answer.status, answer.body) for answer in answers} == {(404, answers[0].body)}
    assert answers[0].kind == "not-found"
    assert batch not in answers[0].body.decode()
    assert json.dumps(sorted(map(str, world.table.items.values()))) == before
    assert not world.objects.removed
    assert not world.queue.jobs


@pytest.mark.parametrize("guess", GUESSES)
@pytest.mark.parametrize("route", ROUTES_OF_A_BATCH, ids=lambda route: route[2])
def test_a_guessed_id_finds_nothing(route: tuple[str, str, str], guess: str, world: World) -> None:
    assert ask(world.client, route, guess).kind == "not-found"


@pytest.mark.parametrize("tenant", ["acm", "acmee", "ACME", "acme ", "acme%23"])
def test_a_tenant_is_its_whole_name(tenant: str, world: World, batch: str) -> None:
    client = world.client.of_tenant(tenant)
    assert client.call("GET", f"/batches/{batch}").status == 404
    assert client.call("GET", "/batches").json["batches"] == []


@pytest.mark.parametrize("name", ["../../globex/b/a.jpg", "..\\a.jpg", "/a.jpg", "a\x00.jpg", "%2e%2e/a.jpg"])
@pytest.mark.parametrize("operation", BODIES)
def test_a_name_that_leads_out_is_refused(operation: str, name: str, world: World, batch: str) -> None:
    route = next(route for route in ROUTES if route[2] == operation)
    body = {**BODIES[operation]} | ({"photos": [name]} if operation == "requestHeatmaps" else {"files": files(name)})
    answer = world.client.call(route[0], route[1].replace("{batch}", batch), body)
    assert answer.kind == "invalid-request"


def test_every_link_is_to_the_callers_own_objects(world: World, batch: str) -> None:
    uploads = world.client.call("POST", f"/batches/{batch}/uploads", {"files": files("b.jpg")}).json["uploads"]
    (photo, _) = world.client.call("GET", f"/batches/{batch}/photos").json["photos"]
    assert uploads[0]["fields"]["key"].startswith(f"uploads/acme/{batch}/")
    assert f"/uploads/acme/{batch}/" in photo["photo_url"]
    assert f"/thumbnails/acme/{batch}/" in photo["thumbnail_url"]
