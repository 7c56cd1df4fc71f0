"""What is wrong with a request as a whole, as RFC 9457 has it told."""

from http import HTTPStatus

from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):  # noqa: N818 - the RFC's word for it
    """A request that gets no records.

    Attributes:
        status: of the response.
        kind: for programs; the last part of the problem's `type`.
        detail: for people: what is wrong, which limit was passed and what helps.
        retry_after_seconds: when the same request may succeed; None if it never will.
    """

    def __init__(self, status: HTTPStatus, kind: str, detail: str, retry_after_seconds: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds

    def response(self) -> JSONResponse:
        """The problem document."""
        content = {
            "type": f"urn:memorability:problem:{self.kind}",
            "title": self.status.phrase,
            "status": int(self.status),
            "detail": self.detail,
        }
        retry = {} if self.retry_after_seconds is None else {"Retry-After": str(self.retry_after_seconds)}
        return JSONResponse(content, self.status, headers=retry, media_type=MEDIA_TYPE)


def unavailable(kind: str, detail: str, retry_after_seconds: int) -> Problem:
    """A request that may succeed later."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, kind, detail, retry_after_seconds)
