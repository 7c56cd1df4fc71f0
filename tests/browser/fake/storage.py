"""The buckets: signed forms to upload with, signed links to pictures."""

import asyncio
import secrets
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.browser.fake import pictures
from tests.browser.fake.state import Batch, Photo, State

_EXPIRED = "<Error><Code>AccessDenied</Code><Message>Invalid according to Policy: Policy expired.</Message></Error>"
_CHUNK_SECONDS = 0.02


@dataclass(frozen=True)
class _Link:
    what: str
    batch: str
    name: str
    method: str = ""


class Storage:
    """Uploads and downloads."""

    def __init__(self, state: State, url: str) -> None:
        self._state = state
        self._url = url
        self._links: dict[str, _Link] = {}
        self.n_at_once = 0
        self.most_at_once = 0

    def routes(self) -> list[Route]:
        return [
            Route("/storage/uploads", self._upload, methods=["POST"]),
            Route("/storage/{what}/{batch}/{name:path}", self._download),
        ]

    def form(self, batch: Batch, name: str) -> dict[str, object]:
        """Where and how to upload a file."""
        token = secrets.token_urlsafe(8)
        self._links[token] = _Link("upload", batch.id, name)
        fields = {"key": f"uploads/{batch.tenant}/{batch.id}/{name}", "policy": token}
        return {
            "name": name,
            "url": f"{self._url}/storage/uploads",
            "fields": fields,
            "expires_at": "2099-01-01T00:00:00Z",
        }

    def link(self, what: str, batch: str, name: str, method: str = "") -> str:
        """A link to a picture, another one each time, as if each answer came from another process of the API."""
        token = secrets.token_urlsafe(8)
        self._links[token] = _Link(what, batch, name, method)
        return f"{self._url}/storage/{what}/{batch}/{name}?method={method}&signature={token}"

    async def _upload(self, request: Request) -> Response:
        self.n_at_once += 1
        self.most_at_once = max(self.most_at_once, self.n_at_once)
        try:
            body = await self._read(request)
        finally:
            self.n_at_once -= 1
        parts = _parts(request.headers["content-type"], body)
        if self._state.behaviour.refuse_uploads > 0:
            self._state.behaviour.refuse_uploads -= 1
            return Response(_EXPIRED, 403, media_type="application/xml")
        link = self._links[parts["policy"].decode()]
        batch = self._state.batches[link.batch]
        self._state.arrived(batch, batch.photos[link.name], parts["file"])
        return Response(status_code=204)

    async def _read(self, request: Request) -> bytes:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if speed := self._state.behaviour.upload_bytes_per_second:
                await asyncio.sleep(max(len(chunk) / speed, _CHUNK_SECONDS))
        return bytes(body)

    async def _download(self, request: Request) -> Response:
        link = self._links.get(request.query_params["signature"])
        batch = self._state.batches.get(link.batch) if link else None
        if link is None or batch is None:
            return Response(_EXPIRED, 403, media_type="application/xml")
        content, media_type = _content(link, batch.photos[link.name])
        return Response(content, media_type=media_type, headers={"Cache-Control": "private, max-age=600"})


def _content(link: _Link, photo: Photo) -> tuple[bytes, str]:
    image = photo.image
    if image is None or link.what == "photo":
        return photo.content or b"", photo.type
    match link.what:
        case "thumbnail":
            return pictures.thumbnail(image), "image/jpeg"
        case "overlay":
            return pictures.overlay(*image.size), "image/png"
        case _:
            return pictures.map_file(), "application/octet-stream"


def _parts(content_type: str, body: bytes) -> dict[str, bytes]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = message_from_bytes(head + body, _class=EmailMessage, policy=policy.HTTP)
    parts = ((part.get_param("name", header="content-disposition"), part) for part in message.iter_parts())
    return {str(name): bytes(part.get_payload(decode=True) or b"") for name, part in parts}
