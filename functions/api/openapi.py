"""The OpenAPI 3.1 document, made from the routes and the models of requests and answers.

`python -m functions.api.openapi` prints it; `docs/schema/openapi.json` is a copy.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, content_types
from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer, License, Server
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse
from pydantic import BaseModel

from functions.api.problems import PROBLEM_JSON, STATUS, Problem, ProblemKind

DOCUMENT_PATH = "/openapi.json"
VERSION = "1"
TITLE = "Memorability API"
DESCRIPTION = (
    "Uploads photos in batches, and gives their memorability scores, ranks and heatmaps. Every request but the one for "
    "this document needs the id token of a user; everything a user sees belongs to the user's tenant. Errors are "
    "problem documents (RFC 9457) whose `type` tells them apart. Lists come in pages: send `next_cursor` as `cursor`. "
    "Links expire after an hour."
)
_TOKEN = "token"
_SCHEMAS = "#/components/schemas/"
_EVERYWHERE = (ProblemKind.NO_TOKEN, ProblemKind.NO_TENANT, ProblemKind.INTERNAL_ERROR)


def answers(
    status: int,
    description: str,
    content: type[BaseModel] | str | None,
    *problems: ProblemKind,
    is_public: bool = False,
) -> dict[int, OpenAPIResponse]:
    """What a route answers: one way if all is well, and one for each status of the problems it may have.

    Args:
        status: if all is well.
        description: of that answer.
        content: its model, or the media type of a text; None where there is nothing to say.
        problems: what may go wrong, beside what may everywhere.
        is_public: whether no token is needed.
    """
    body: Any = {content: {"schema": {"type": "string"}}} if isinstance(content, str) else {}
    if content and not isinstance(content, str):
        body = {content_types.APPLICATION_JSON: {"model": content}}
    documented: dict[int, OpenAPIResponse] = {status: {"description": description, "content": body}}
    for kind in problems + (() if is_public else _EVERYWHERE):
        known = documented.get(STATUS[kind])
        kinds = f"{known['description']}, `{kind}`" if known else f"`{kind}`"
        documented[STATUS[kind]] = {"description": kinds, "content": {PROBLEM_JSON: {"model": Problem}}}
    return documented


def document(app: APIGatewayHttpResolver) -> dict[str, Any]:
    """The document of an application's routes."""
    text = app.get_openapi_json_schema(
        title=TITLE,
        version=VERSION,
        openapi_version="3.1.0",
        description=DESCRIPTION,
        license_info=License(name="Apache-2.0", identifier="Apache-2.0"),
        servers=[Server(url="/")],
        security_schemes={_TOKEN: HTTPBearer(bearerFormat="JWT", description="the id token of the user pool")},
        security=[{_TOKEN: []}],
    )
    spec: dict[str, Any] = json.loads(text)
    spec["paths"][DOCUMENT_PATH]["get"]["security"] = []
    for route in (route for routes in spec["paths"].values() for route in routes.values()):
        if content_types.APPLICATION_JSON in route["responses"].get("422", {}).get("content", {}):
            del route["responses"]["422"]  # the library's own, where a request has nothing to be invalid
    return _without_unused_schemas(spec)


def document_text(spec: Mapping[str, Any]) -> str:
    """A document as the text of its file."""
    return json.dumps(spec, indent=2, ensure_ascii=False) + "\n"


def _without_unused_schemas(spec: dict[str, Any]) -> dict[str, Any]:
    """The document without the schemas that the library adds for answers that this API does not give."""
    schemas: dict[str, Any] = spec["components"]["schemas"]
    used, new = set[str](), set(_references(spec["paths"]))
    while new:
        used |= new
        new = {name for known in new for name in _references(schemas[known])} - used
    spec["components"]["schemas"] = {name: schemas[name] for name in sorted(used)}
    return spec


def _references(part: Any) -> Iterator[str]:
    match part:
        case {"$ref": str(ref)}:
            yield ref.removeprefix(_SCHEMAS)
        case dict():
            for value in part.values():
                yield from _references(value)
        case list():
            for value in part:
                yield from _references(value)


if __name__ == "__main__":
    from functions.api.app import resolver

    print(document_text(document(resolver())), end="")
