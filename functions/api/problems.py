"""What goes wrong, as problem documents (RFC 9457)."""

from collections.abc import Sequence
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field

PROBLEM_JSON = "application/problem+json"
TYPES = "urn:memorability:problem:"


class ProblemKind(StrEnum):
    """What a program may want to tell apart; the end of a problem's `type`."""

    MALFORMED_JSON = "malformed-json"
    INVALID_CURSOR = "invalid-cursor"
    NO_TOKEN = "no-token"
    NO_TENANT = "no-tenant"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    CONFLICT = "conflict"
    CONCURRENT_REQUEST = "concurrent-request"
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type"
    INVALID_REQUEST = "invalid-request"
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused"
    INTERNAL_ERROR = "internal-error"
    NO_WORKERS = "no-workers"
    UNAVAILABLE = "unavailable"


STATUS = {
    ProblemKind.MALFORMED_JSON: HTTPStatus.BAD_REQUEST,
    ProblemKind.INVALID_CURSOR: HTTPStatus.BAD_REQUEST,
    ProblemKind.NO_TOKEN: HTTPStatus.UNAUTHORIZED,
    ProblemKind.NO_TENANT: HTTPStatus.FORBIDDEN,
    ProblemKind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ProblemKind.METHOD_NOT_ALLOWED: HTTPStatus.METHOD_NOT_ALLOWED,
    ProblemKind.CONFLICT: HTTPStatus.CONFLICT,
    ProblemKind.CONCURRENT_REQUEST: HTTPStatus.CONFLICT,
    ProblemKind.UNSUPPORTED_MEDIA_TYPE: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    ProblemKind.INVALID_REQUEST: HTTPStatus.UNPROCESSABLE_ENTITY,
    ProblemKind.IDEMPOTENCY_KEY_REUSED: HTTPStatus.UNPROCESSABLE_ENTITY,
    ProblemKind.INTERNAL_ERROR: HTTPStatus.INTERNAL_SERVER_ERROR,
    ProblemKind.NO_WORKERS: HTTPStatus.NOT_IMPLEMENTED,
    ProblemKind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    model_config = ConfigDict(frozen=True)

    place: str = Field(description="where: `body`, `query`, `path` or `header`, and a JSON pointer into it")
    detail: str = Field(description="what is wrong, for people")


class Problem(BaseModel):
    """A problem document."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(description="stable, for programs", examples=[TYPES + ProblemKind.NOT_FOUND])
    title: str = Field(description="the status in words")
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="what happened and what to do about it, for people")
    errors: tuple[Fault, ...] = Field(default=(), description="every fault of an invalid request")


class ProblemError(Exception):
    """Ends a request with a problem document."""

    def __init__(
        self, kind: ProblemKind, detail: str, errors: Sequence[Fault] = (), headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        status = STATUS[kind]
        self.document = Problem(
            type=TYPES + kind, title=status.phrase, status=status, detail=detail, errors=tuple(errors)
        )
        self._headers = headers or {}

    @classmethod
    def unknown(cls, what: str) -> "ProblemError":
        """What does not exist, or not for this caller: both are answered alike."""
        return cls(ProblemKind.NOT_FOUND, f"There is no such {what}.")

    @classmethod
    def invalid(cls, *faults: Fault) -> "ProblemError":
        """A request that is well formed and asks for what cannot be."""
        detail = "; ".join(f"{fault.place}: {fault.detail}" for fault in faults[:3])
        more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
        return cls(ProblemKind.INVALID_REQUEST, f"The request is not valid: {detail}{more}.", faults)

    def response(self) -> Response[str]:
        """The answer of a route."""
        return Response(self.document.status, PROBLEM_JSON, self._body, headers=self._headers)

    def answer(self) -> dict[str, Any]:
        """The answer to API Gateway, where there is no route yet."""
        headers = self._headers | {"Content-Type": PROBLEM_JSON}
        return {"statusCode": self.document.status, "headers": headers, "body": self._body, "isBase64Encoded": False}

    @property
    def _body(self) -> str:
        return self.document.model_dump_json(exclude_defaults=True)
