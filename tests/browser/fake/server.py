"""The stand-in as a server: the page at one origin (localhost), everything else at another (127.0.0.1)."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from tests.browser.fake.api import Api
from tests.browser.fake.sign_in import CLIENT, SignIn
from tests.browser.fake.state import State
from tests.browser.fake.storage import Storage

WEB = Path(__file__).parents[3] / "web"
_START_SECONDS = 10.0


class Page(StaticFiles):
    """The page's files, with the headers that CloudFront adds to them (terraform/modules/web_app/delivery.tf)."""

    def __init__(self, url: str) -> None:
        super().__init__(directory=WEB, html=True)
        self._policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; manifest-src 'self'; "
            f"img-src 'self' blob: data: {url}; connect-src 'self' {url}; base-uri 'none'; form-action 'self'; "
            "frame-ancestors 'none'"
        )

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Gives a file."""
        answer = await super().get_response(path, scope)
        answer.headers["Content-Security-Policy"] = self._policy
        answer.headers["Cache-Control"] = "no-cache"
        return answer


class FakePlatform:
    """The stand-in.

    Attributes:
        state: what it knows, and how it behaves.
        page_url: where the page is.
        url: where API, storage and sign-in are.
    """

    def __init__(self, port: int) -> None:
        self.state = State()
        self.page_url = f"http://localhost:{port}/"
        self.url = f"http://127.0.0.1:{port}"
        self.sign_in = SignIn(self.state)
        self.storage = Storage(self.state, self.url)
        self.api = Api(self.state, self.sign_in, self.storage)
        self.server = uvicorn.Server(uvicorn.Config(self.app(), log_level="critical", lifespan="off"))

    def app(self) -> Starlette:
        """Everything it serves."""
        routes = [*self.sign_in.routes(), *self.storage.routes(), *self.api.routes()]
        page = [Route("/settings.json", self._settings), Mount("/", Page(self.url))]
        # As API Gateway's and the buckets' (terraform/modules/web_app/api.tf, private_bucket).
        cors = Middleware(
            CORSMiddleware,
            allow_origins=["*"],
            allow_methods=["DELETE", "GET", "POST"],
            allow_headers=["authorization", "content-type", "idempotency-key"],
        )
        return Starlette(routes=[*routes, *page], middleware=[cors])

    async def _settings(self, _: Request) -> Response:
        places = {"api_url": self.url, "client_id": CLIENT, "sign_in_url": self.url}
        return JSONResponse(places | {"heatmaps": self.state.behaviour.has_workers})


@contextlib.contextmanager
def running() -> Iterator[FakePlatform]:
    """A stand-in of its own on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        platform = FakePlatform(listener.getsockname()[1])
        server = platform.server
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not server.started:
            assert time.monotonic() < deadline, "the stand-in did not start"
            time.sleep(0.01)
        yield platform
        server.should_exit = True
        thread.join()
