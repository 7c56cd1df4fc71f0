"""Requests as API Gateway (HTTP API, payload 2.0) hands them to a function, and its answers."""

import base64
import copy
import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

EVENT = json.loads((Path(__file__).parent / "integration" / "events" / "http_api.json").read_text(encoding="utf-8"))

type Event = dict[str, Any]
type Handle = Callable[[Event], Mapping[str, Any]]


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def kind(self) -> str:
        """The end of a problem's type."""
        assert self.headers["content-type"] == "application/problem+json"
        assert self.json["status"] == self.status
        return str(self.json["type"]).rpartition(":")[2]


@dataclass(frozen=True)
class Client:
    """A user's requests to a handler.

    Attributes:
        handle: takes events.
        claims: what the user's verified token says; None where there is no token.
    """

    handle: Handle
    claims: Mapping[str, Any] | None

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Sends a request; a body that is no text is sent as JSON, headers are named with `_` for `-`."""
        if body is not None and not isinstance(body, str | bytes):
            body, headers = json.dumps(body), {"content_type": "application/json"} | headers
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        path, _, query = path.partition("?")
        return self.send(http_event(method, path, body, named, self.claims, query))

    def send(self, event: Event) -> Answer:
        """Sends an event."""
        answered = self.handle(event)
        body = (answered["body"] or "").encode()
        if answered["isBase64Encoded"]:
            body = base64.b64decode(body)
        headers = {name.lower(): value for name, value in answered["headers"].items()}
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        return Answer(answered["statusCode"], headers, body)

    def of(self, **claims: str | None) -> "Client":
        """The client with other claims; None leaves one out."""
        changed = {**(self.claims or {}), **claims}
        return replace(self, claims={name: value for name, value in changed.items() if value is not None})

    def of_tenant(self, tenant: str) -> "Client":
        """A user of a tenant."""
        return replace(self, claims={**(self.claims or {}), "custom:tenant": tenant})


def user(handle: Handle) -> Client:
    """The user of the event on disk."""
    return Client(handle, EVENT["requestContext"]["authorizer"]["jwt"]["claims"])


def http_event(
    method: str,
    path: str,
    body: str | bytes | None,
    headers: Mapping[str, str],
    claims: Mapping[str, Any] | None,
    query: str = "",
) -> Event:
    """The event of a request."""
    event: Event = copy.deepcopy(EVENT)
    event |= {"rawPath": path, "rawQueryString": query, "pathParameters": {"path": path[1:]}}
    event["requestContext"]["http"] |= {"method": method, "path": path}
    event["headers"] |= {name.lower(): value for name, value in headers.items()}
    if query:
        repeated: dict[str, list[str]] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            repeated.setdefault(name, []).append(value)
        event["queryStringParameters"] = {name: ",".join(values) for name, values in repeated.items()}
    if isinstance(body, bytes):
        event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    elif body is not None:
        event["body"] = body
    if claims is None:
        del event["requestContext"]["authorizer"]
    else:
        event["requestContext"]["authorizer"]["jwt"]["claims"] = dict(claims)
    return event


def with_query(path: str, **parameters: object) -> str:
    """An address with a query; None leaves a parameter out."""
    given = {name: str(value) for name, value in parameters.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path
