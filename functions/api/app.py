"""The application: who calls is found out first, then the route; whatever goes wrong becomes a problem document."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response, content_types

from functions.api.callers import caller_of
from functions.api.openapi import DOCUMENT_PATH, answers, document, document_text
from functions.api.problems import ProblemError
from functions.api.refusals import check_body, handle_refusals, read_json
from functions.api.routes import Turn, router
from functions.api.services import Services

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_PUBLIC = ("GET", DOCUMENT_PATH)


@final
class Api:
    """Answers events of API Gateway (HTTP API, payload 2.0)."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._app = resolver()

    def answer(self, event: Mapping[str, Any], context: "LambdaContext") -> dict[str, Any]:
        """The answer, as API Gateway wants it."""
        try:
            if (event["requestContext"]["http"]["method"], event["rawPath"]) != _PUBLIC:
                self._app.context["turn"] = Turn(caller_of(event), self._services)
            check_body(event)
        except ProblemError as problem:
            self._app.context.clear()
            return problem.answer()
        return self._app.resolve(event, context)


def resolver() -> APIGatewayHttpResolver:
    """All routes, with the one that gives their document."""
    app = APIGatewayHttpResolver(enable_validation=True, json_body_deserializer=read_json)
    app.include_router(router)

    @cache  # it takes a while, and few ask for it
    def own_document() -> dict[str, Any]:
        return document(app)

    def answer_document() -> Response[str]:
        return Response(HTTPStatus.OK, content_types.APPLICATION_JSON, document_text(own_document()))

    app.get(
        DOCUMENT_PATH,
        tags=["document"],
        operation_id="readDocument",
        summary="Read this document; needs no token",
        responses=answers(200, "An OpenAPI 3.1 document", None, is_public=True),
    )(answer_document)
    handle_refusals(app, lambda path: _methods(own_document()["paths"], path))
    return app


def _methods(paths: Mapping[str, Mapping[str, object]], path: str) -> Sequence[str]:
    """The methods that an address takes; none where there is no such address."""
    for template, routes in paths.items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            return sorted(map(str.upper, routes))
    return ()
