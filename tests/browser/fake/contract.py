"""Holds the stand-in and the page to the API's own description: docs/schema/openapi.json."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

DOCUMENT = Path(__file__).parents[3] / "docs" / "schema" / "openapi.json"


class ContractError(AssertionError):
    """A request or an answer that the description does not know."""


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(DOCUMENT.read_text())
    return document


def _operation(method: str, path: str) -> tuple[str, dict[str, Any]]:
    """The pointer to the operation that serves a path, and the operation."""
    for template, operations in _document()["paths"].items():
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path) and method.lower() in operations:
            escaped = template.replace("~", "~0").replace("/", "~1")
            return f"#/paths/{escaped}/{method.lower()}", operations[method.lower()]
    raise ContractError(f"{method} {path} is no operation of the API")


def _check(pointer: str, value: Any, what: str) -> None:
    try:
        jsonschema.Draft202012Validator({**_document(), "$ref": pointer}).validate(value)
    except jsonschema.ValidationError as error:
        raise ContractError(f"{what}: {error.json_path}: {error.message}") from error


def _pointer_to_schema(pointer: str, media_type: str) -> str:
    return f"{pointer}/content/{media_type.replace('/', '~1')}/schema"


def check_request(method: str, path: str, query: dict[str, str], body: Any) -> None:
    """Raises ContractError unless the API knows such a request."""
    pointer, operation = _operation(method, path)
    known = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"}
    if unknown := set(query) - known:
        raise ContractError(f"{method} {path} knows no {', '.join(sorted(unknown))}")
    if "requestBody" in operation:
        _check(_pointer_to_schema(f"{pointer}/requestBody", "application/json"), body, f"request {method} {path}")


def check_answer(method: str, path: str, status: int, media_type: str, body: Any) -> None:
    """Raises ContractError unless the API gives such answers."""
    pointer, operation = _operation(method, path)
    answer = operation["responses"].get(str(status))
    if answer is None:
        raise ContractError(f"{method} {path} never answers {status}")
    if status != 204 and media_type not in answer.get("content", {}):
        raise ContractError(
            f"{method} {path} answers {status} with {list(answer.get('content', {}))}, not {media_type}"
        )
    if body is not None:
        _check(
            _pointer_to_schema(f"{pointer}/responses/{status}", media_type), body, f"answer {status} of {method} {path}"
        )
