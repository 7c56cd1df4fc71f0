"""A package index on the loopback interface: real HTTP, and the faults that real servers have."""

import re
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from json import dumps

JSON_PAGE = "application/vnd.pypi.simple.v1+json"


@dataclass(frozen=True)
class Fault:
    """What happens to one request: another status, or a connection that breaks off after so many bytes of content."""

    status: HTTPStatus | None = None
    cut_after: int | None = None


@dataclass(frozen=True)
class Request:
    """What a client asked for, and with what."""

    path: str
    range: str | None
    authorization: str | None


@dataclass
class Index:
    """What the server has; a test may change it at any time.

    Attributes:
        url: of the server, without a slash at the end.
        files: content by name, below /files/.
        projects: file names by project; a project's page lists them.
        faults: of the next requests for files, one each.
        ranges: whether the server can continue in the middle of a file.
        pages: what form pages have: JSON (PEP 691), or HTML (PEP 503).
        requests: every request so far.
    """

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    projects: dict[str, list[str]] = field(default_factory=dict)
    faults: deque[Fault] = field(default_factory=deque)
    ranges: bool = True
    pages: str = JSON_PAGE
    requests: list[Request] = field(default_factory=list)

    @property
    def simple(self) -> str:
        """Address of the index."""
        return f"{self.url}/simple/"

    def file_url(self, name: str) -> str:
        """Address of a file."""
        return f"{self.url}/files/{name}"

    def page(self, project: str) -> str:
        """A project's page."""
        names = self.projects[project]
        if self.pages == JSON_PAGE:
            files = [{"filename": name, "url": f"../../files/{name}", "hashes": {}} for name in names]
            return dumps({"meta": {"api-version": "1.0"}, "name": project, "files": files})
        links = "".join(f'<a href="../../files/{name}">{name}</a><br>' for name in names)
        return f"<!DOCTYPE html><html><body>{links}</body></html>"


@contextmanager
def index_server() -> Iterator[Index]:
    """Runs an index until the context is left."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    index = Index(f"http://127.0.0.1:{server.server_address[1]}")
    server.RequestHandlerClass = type("Handler", (_Handler,), {"index": index})
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    index: Index

    def do_GET(self) -> None:
        self.index.requests.append(Request(self.path, self.headers["Range"], self.headers["Authorization"]))
        kind, _, name = self.path.strip("/").partition("/")
        if kind == "simple" and name in self.index.projects:
            self._send(HTTPStatus.OK, self.index.page(name).encode(), {"Content-Type": self.index.pages})
        elif kind == "files" and name in self.index.files:
            self._send_file(self.index.files[name])
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _send_file(self, content: bytes) -> None:
        fault = self.index.faults.popleft() if self.index.faults else Fault()
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers["Range"] or "")
        start = int(asked[1]) if asked and self.index.ranges else 0
        if fault.status:
            self.send_error(fault.status)
        elif start and start >= len(content):
            self.send_error(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
        else:
            status = HTTPStatus.PARTIAL_CONTENT if start else HTTPStatus.OK
            self._send(status, content[start:], {}, fault.cut_after)

    def _send(self, status: HTTPStatus, body: bytes, headers: dict[str, str], cut_after: int | None = None) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:cut_after])

    def log_message(self, *_arguments: object) -> None:
        """Keeps the test's output clean."""
