"""Whatever is refused is answered by a problem document that says what to do, and nothing else."""

import base64
import json
from typing import Any

import pytest

from functions.api.cursors import Scope
from tests.http_api import EVENT, Client, http_event, with_query
from tests.unit.functions.api.conftest import World, files

TIME = "2026-11-22T12:00:00.000+00:00"


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/batches/", "/batches/x/y", "/batches/x/photos/y", "/BATCHES", "//b"]
)
def test_an_address_that_there_is_not(path: str, world: World) -> None:
    answer = world.client.call("GET", path)
    assert (answer.status, answer.kind) == (404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/batches", "GET, POST"),
        ("PATCH", "/batches/x", "DELETE, GET"),
        ("POST", "/models", "GET"),
        ("GET", "/batches/x/uploads", "POST"),
        ("HEAD", "/batches", "GET, POST"),
    ],
)
def test_a_method_that_an_address_does_not_take(method: str, path: str, allowed: str, world: World) -> None:
    answer = world.client.call(method, path)
    assert (answer.status, answer.kind, answer.headers["allow"]) == (405, "method-not-allowed", allowed)


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "",
        "nonsense",
        '{"name": 1e',
        "[" * 100_000,
        '{"name": ' + "9" * 5000 + "}",
        b"\xff\xfe",
        b'{"name": "\xe9"}',
    ],
)
def test_a_body_that_is_no_json(body: str | bytes, world: World) -> None:
    answer = world.client.call("POST", "/batches", body, content_type="application/json")
    assert answer.kind == ("malformed-json" if body else "invalid-request")


@pytest.mark.parametrize("body", ["null", "[]", '"text"', "3", "[{}]", '{"name": "\\ud800"}', '{"name": NaN}'])
def test_json_that_is_no_request(body: str, world: World) -> None:
    assert world.client.call("POST", "/batches", body, content_type="application/json; charset=utf-8").status == 422


@pytest.mark.parametrize(
    "media_type",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/plain",
        "application/jsonp",
        "",
        "application/json+x",
    ],
)
def test_a_body_of_another_type(media_type: str, world: World) -> None:
    body = json.dumps({"name": "Spring", "files": files("a.jpg")})
    answer = world.client.call("POST", "/batches", body, content_type=media_type)
    assert (answer.status, answer.kind) == (415, "unsupported-media-type")


@pytest.mark.parametrize(
    "cursor", ["", "x", "é", "bnVsbA", "W10", "W1tdXQ", "eyJhIjoxfQ", "=" * 9, "W1siYSJdLCJiIl0", "Ww"]
)
@pytest.mark.parametrize("path", ["/batches", "/models", "/ensembles", "/batches/{batch}/photos"])
def test_a_cursor_that_is_none(cursor: str, path: str, world: World) -> None:
    batch = world.batch("a.jpg")
    answer = world.client.call("GET", with_query(path.format(batch=batch), cursor=cursor))
    assert (answer.status, answer.kind) == (400, "invalid-cursor")


@pytest.mark.parametrize(
    "position",
    [("", "0" * 32), (TIME, ""), (TIME, "\ud800" * 32), (TIME, "0" * 31), ("yesterday", "0" * 32), (TIME, 7), (TIME,)],
)
def test_a_cursor_of_the_list_of_batches_with_a_position_that_is_none(position: tuple[Any, ...], world: World) -> None:
    mark, *_ = json.loads(base64.urlsafe_b64decode(Scope("acme", ("batches",)).write() + "=="))
    cursor = base64.urlsafe_b64encode(json.dumps([mark, *position]).encode()).decode().rstrip("=")
    answer = world.client.call("GET", with_query("/batches", cursor=cursor))
    assert (answer.status, answer.kind) == (400, "invalid-cursor")


def test_a_cursor_of_another_tenant_or_another_list(world: World) -> None:
    batches = [world.batch("a.jpg", "b.jpg") for _ in range(2)]
    lists = ["/batches", "/models", *(f"/batches/{batch}/photos" for batch in batches)]
    cursors = [world.client.call("GET", with_query(path, limit=1)).json["next_cursor"] for path in lists]
    theirs = world.client.of_tenant("globex")
    for path in lists:
        assert theirs.call("GET", with_query(path, cursor=cursors[lists.index(path)])).status in {400, 404}
        for other, cursor in zip(lists, cursors, strict=True):
            assert world.client.call("GET", with_query(path, cursor=cursor)).status == (200 if path == other else 400)


def test_a_fault_of_ours_is_logged_and_tells_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    batch = world.batch("a.jpg")
    world.objects.failures = 1
    answer = world.client.call("DELETE", f"/batches/{batch}")
    assert (answer.status, answer.kind) == (500, "internal-error")
    assert "S3" not in answer.body.decode()
    assert "S3 cannot be reached" in caplog.text


@pytest.mark.parametrize(
    "authorizer",
    [
        None,
        {},
        {"jwt": None},
        {"jwt": {"claims": None}},
        {"jwt": {"claims": {}}},
        {"jwt": {"claims": {"custom:tenant": "acme"}}},
        {"lambda": {"claims": {"sub": "ada", "custom:tenant": "acme"}}},
        {"claims": {"sub": "ada", "custom:tenant": "acme"}},
    ],
)
def test_claims_count_only_where_api_gateway_puts_them(authorizer: Any, world: World) -> None:
    event = http_event("GET", "/batches", None, {}, {})
    event["requestContext"]["authorizer"] = authorizer
    event["headers"] |= {"x-tenant": "acme", "custom:tenant": "acme"}
    assert world.client.send(event).kind == "no-token"


@pytest.mark.parametrize(
    "tenant", [None, "", ".", "..", "acme/spring", "acme#BATCH#x", "a\nb", "x" * 129, "é" * 65, ["acme"], 7, True]
)
def test_a_user_without_a_tenant_that_keys_can_hold(tenant: Any, world: World) -> None:
    claims = {"sub": "ada"} | ({} if tenant is None else {"custom:tenant": tenant})
    answer = Client(world.client.handle, claims).call("GET", "/batches")
    assert (answer.status, answer.kind) == (403, "no-tenant")


def test_an_access_token_names_no_tenant(world: World) -> None:
    claims = EVENT["requestContext"]["authorizer"]["jwt"]["claims"] | {"token_use": "access"}
    del claims["custom:tenant"]
    assert Client(world.client.handle, claims).call("GET", "/models").kind == "no-tenant"
