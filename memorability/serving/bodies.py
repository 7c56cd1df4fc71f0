"""Bodies of requests → photos."""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterable
from functools import partial
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from memorability.serving.problems import Problem
from model_store.images import ImageError
from model_store.runtime.scoring import Photo

UNNAMED = "photo"
_MAX_NAME_CHARACTERS = 1024


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    file: str | None = Field(default=None, min_length=1, max_length=_MAX_NAME_CHARACTERS)
    image: str


def too_large(max_bytes: int) -> Problem:
    """A body over the limit."""
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "request-too-large",
        f"a request may have {max_bytes / 1e6:g} MB; send fewer photos at a time, or smaller ones",
    )


async def read_body(chunks: AsyncIterable[bytes], max_bytes: int, max_seconds: float) -> bytes:
    """A body in one piece.

    Raises:
        Problem: it is too large, or comes too slowly.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(max_seconds):
            async for chunk in chunks:
                body += chunk
                if len(body) > max_bytes:
                    raise too_large(max_bytes)
    except TimeoutError as error:
        detail = f"the request's body took longer than {max_seconds:g} s; send fewer photos at a time"
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, "request-too-slow", detail) from error
    return bytes(body)


def photo_of_image(body: bytes) -> Photo:
    """The photo that a body is; what is wrong with it, its record says."""
    return Photo(UNNAMED, lambda: body)


def photos_of_lines(body: bytes, max_lines: int) -> list[Photo]:
    """The photos of JSON Lines, `{"file": name, "image": base64}` each; the name may be left out.

    Raises:
        Problem: there are none, or more than `max_lines`, or a line is of another form. Damaged base64 is not among
            it: it fails the one photo.
    """
    lines = [(number, line) for number, line in enumerate(body.split(b"\n"), start=1) if line.strip()]
    if not lines:
        raise Problem(HTTPStatus.BAD_REQUEST, "no-photos", "the request has no lines; send one JSON object a photo")
    if len(lines) > max_lines:
        detail = f"the request has {len(lines)} lines and may have {max_lines}; send the photos in several requests"
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-many-photos", detail)
    return [_photo(number, line) for number, line in lines]


def _photo(number: int, text: bytes) -> Photo:
    try:
        line = _Line.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        reason = f"{where}: {first['msg']}" if where else first["msg"]
        detail = f'line {number} is not {{"file": name, "image": base64}}: {reason}'
        raise Problem(HTTPStatus.BAD_REQUEST, "malformed-line", detail) from error
    name = line.file or f"{UNNAMED} {number}"
    return Photo(name, partial(_decode_base64, name, line.image))


def _decode_base64(name: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageError.unreadable(name, "it is no base64 text") from error
