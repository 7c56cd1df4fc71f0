"""Signing in at the user pool's hosted pages, as the page does it."""

import base64
import hashlib
import html
import re
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import httpx

from scripts.local_platform.users import Developer

TIMEOUT_SECONDS = 60
_FIELD = re.compile(r'<input[^>]* name="(\w+)"[^>]* value="([^"]*)"')


def id_token(pool: Mapping[str, str], origin: str, user: Developer) -> str:
    """The token of a user: authorization code with PKCE.

    Args:
        pool: `client_id` and `sign_in_url`.
        origin: of the page.
        user: who signs in.
    """
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    page = {"client_id": pool["client_id"], "redirect_uri": f"{origin}/"}
    asked = page | {"response_type": "code", "scope": "openid email", "state": "s"}
    asked |= {"code_challenge": challenge, "code_challenge_method": "S256"}
    with httpx.Client(base_url=pool["sign_in_url"], timeout=TIMEOUT_SECONDS) as hosted:
        form = hosted.get("/oauth2/authorize", params=asked).raise_for_status().text
        fields = {name: html.unescape(value) for name, value in _FIELD.findall(form)}
        person = {"username": user.email, "password": user.password}
        back = hosted.post("/login", data=fields | person).headers["location"]
        grant = page | {"grant_type": "authorization_code", "code_verifier": verifier}
        grant["code"] = parse_qs(urlsplit(back).query)["code"][0]
        tokens = hosted.post("/oauth2/token", data=grant).raise_for_status().json()
    token: str = tokens["id_token"]
    return token
