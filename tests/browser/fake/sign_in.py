"""The hosted sign-in: authorization code with PKCE, as Cognito does it. The password is not asked for."""

import base64
import hashlib
import html
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.browser.fake.state import State

CLIENT = "page-client"


@dataclass(frozen=True)
class Grant:
    """What a code or a refresh token stands for."""

    user: str
    challenge: str = ""
    address: str = ""


class SignIn:
    """Sign-in pages and tokens."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._codes: dict[str, Grant] = {}
        self.refreshes: dict[str, Grant] = {}
        self.tokens: dict[str, tuple[str, float]] = {}
        self.n_renewals = 0

    def routes(self) -> list[Route]:
        return [
            Route("/oauth2/authorize", self._authorize),
            Route("/login", self._login, methods=["POST"]),
            Route("/oauth2/token", self._token, methods=["POST"]),
            Route("/logout", self._logout),
        ]

    def tenant(self, request: Request) -> str | None:
        """Whose request it is; None without a valid token."""
        user, ends_at = self.tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "), ("", 0.0))
        return user.split("@")[1] if time.monotonic() < ends_at else None

    async def _authorize(self, request: Request) -> Response:
        query = request.query_params
        assert query["client_id"] == CLIENT
        assert query["code_challenge_method"] == "S256"
        kept = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(query[name])}">'
            for name in ("redirect_uri", "state", "code_challenge")
        )
        return HTMLResponse(
            f'<form method="POST" action="/login">{kept}<label>Username <input name="username"></label>'
            "<button>Sign in</button></form>"
        )

    async def _login(self, request: Request) -> Response:
        form = await _form(request)
        code = secrets.token_urlsafe(16)
        self._codes[code] = Grant(form["username"], form["code_challenge"], form["redirect_uri"])
        return RedirectResponse(f"{form['redirect_uri']}?{urlencode({'code': code, 'state': form['state']})}", 303)

    async def _token(self, request: Request) -> Response:
        form = await _form(request)
        grant = self._exchanged(form) if form["grant_type"] == "authorization_code" else self._refreshed(form)
        if grant is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse(self._issue(grant, with_refresh=form["grant_type"] == "authorization_code"))

    def _exchanged(self, form: dict[str, str]) -> Grant | None:
        grant = self._codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return grant if grant and grant.challenge == challenge and grant.address == form["redirect_uri"] else None

    def _refreshed(self, form: dict[str, str]) -> Grant | None:
        self.n_renewals += 1
        return self.refreshes.get(form["refresh_token"])

    def _issue(self, grant: Grant, *, with_refresh: bool) -> dict[str, Any]:
        seconds = self._state.behaviour.token_seconds
        claims = {"sub": grant.user, "email": grant.user, "jti": secrets.token_hex(8)}
        payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
        token = f"e30.{payload}.signature"
        self.tokens[token] = (grant.user, time.monotonic() + seconds)
        refresh = secrets.token_urlsafe(16)
        self.refreshes[refresh] = grant
        issued = {"id_token": token, "access_token": "unused", "token_type": "Bearer", "expires_in": seconds}
        return issued | ({"refresh_token": refresh} if with_refresh else {})

    async def _logout(self, request: Request) -> Response:
        return RedirectResponse(request.query_params["logout_uri"])


async def _form(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
