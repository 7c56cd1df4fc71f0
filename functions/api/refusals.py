"""Everything that is refused, whoever notices it, becomes a problem document."""

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from functions.api.problems import Fault, ProblemError, ProblemKind

logger = logging.getLogger(__name__)

_JSON = re.compile(r"application/json\s*(;|$)", re.IGNORECASE)


def check_body(event: Mapping[str, Any]) -> None:
    """Refuses a body of another type than JSON.

    Raises:
        ProblemError: it is of another type, or says of none.
    """
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    if event.get("body") and not _JSON.match(headers.get("content-type", "")):
        raise ProblemError(
            ProblemKind.UNSUPPORTED_MEDIA_TYPE, "Send JSON, with the header `Content-Type: application/json`."
        )


def read_json(text: str) -> Any:
    """Reads the body of a request.

    Raises:
        ProblemError: it is not JSON, or too deep to be read.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProblemError(ProblemKind.MALFORMED_JSON, f"The body is no JSON that can be read: {error}.") from error


def handle_refusals(app: APIGatewayHttpResolver, allowed_methods: Callable[[str], Sequence[str]]) -> None:
    """Has an application answer with problem documents.

    Args:
        app: the application.
        allowed_methods: tells the methods that an address takes, none for one that there is not.
    """

    def answer_unknown(_error: NotFoundError) -> Response[str]:
        request = app.current_event
        return _no_route(request.http_method, allowed_methods(request.path)).response()

    handlers: Mapping[type[Exception], Callable[..., Response[str]]] = {
        ProblemError: ProblemError.response,
        RequestValidationError: _answer_invalid,
        UnicodeDecodeError: _answer_undecodable,
        NotFoundError: answer_unknown,
        Exception: _answer_fault_of_ours,
    }
    for kind, handler in handlers.items():
        app.exception_handler(kind)(handler)


def _no_route(method: str, allowed_methods: Sequence[str]) -> ProblemError:
    if not allowed_methods:
        return ProblemError.unknown("address")
    if method in allowed_methods:  # the library takes few characters for an id; those of ours are among them
        return ProblemError.unknown("batch")
    allowed = ", ".join(allowed_methods)
    return ProblemError(ProblemKind.METHOD_NOT_ALLOWED, f"This address takes {allowed}.", headers={"Allow": allowed})


def _answer_invalid(error: RequestValidationError) -> Response[str]:
    return ProblemError.invalid(*map(_fault, error.errors())).response()


def _answer_undecodable(_error: UnicodeDecodeError) -> Response[str]:
    return ProblemError(ProblemKind.MALFORMED_JSON, "The body is not UTF-8.").response()


def _answer_fault_of_ours(error: Exception) -> Response[str]:
    logger.error("a request failed: %s", error, exc_info=error)
    return ProblemError(
        ProblemKind.INTERNAL_ERROR, "Something went wrong on our side; try again, and tell us if it stays so."
    ).response()


def _fault(error: Mapping[str, Any]) -> Fault:
    """What pydantic says of one thing, without its own prefix."""
    where, *path = error["loc"]
    pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
    return Fault(place=f"{where}{pointer}", detail=error["msg"].removeprefix("Value error, "))
