"""Google's sign-in as far as an installed app uses it: consent that redirects at once, and the token endpoint.

Source: https://developers.google.com/identity/protocols/oauth2/native-app; PKCE is RFC 7636.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from demo.service import OpenRoute
from demo.store import Store

CODES, GRANTS = "gmail_codes", "gmail_grants"
CODE_SECONDS = 600
TOKEN_SECONDS = 3599
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
NO_STORE = {"cache-control": "no-store"}


class Denied(Exception):
    """The request is refused: an OAuth error code and what it means."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status

    def response(self) -> Response:
        """The answer of RFC 6749, 5.2."""
        body = {"error": self.error, "error_description": self.description}
        return JSONResponse(body, self.status, NO_STORE)


def routes(store: Store, token: str) -> list[Route]:
    """The consent page's address and the token endpoint; `token` is what the API accepts."""

    async def consent(request: Request) -> Response:
        try:
            return RedirectResponse(_consented(store, request.query_params), 302)
        except Denied as denied:
            return denied.response()

    async def exchange(request: Request) -> Response:
        form = _client_of(request) | _form(await request.body())
        try:
            with store.transaction():
                grant = _granted(store, form)
        except Denied as denied:
            return denied.response()
        answer = {"access_token": token, "expires_in": TOKEN_SECONDS, "token_type": "Bearer", **grant}
        return JSONResponse(answer, headers=NO_STORE)

    return [OpenRoute("/o/oauth2/auth", consent), OpenRoute("/token", exchange, methods=["POST"])]


def _form(body: bytes) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _client_of(request: Request) -> dict[str, str]:
    """The client named by HTTP Basic (RFC 6749, 2.3.1), as google-auth-oauthlib does it; {} without."""
    word, _, value = request.headers.get("authorization", "").partition(" ")
    if word.lower() != "basic":
        return {}
    try:
        client_id, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return {}
    return {"client_id": unquote_plus(client_id), "client_secret": unquote_plus(secret)}


def _consented(store: Store, query: Mapping[str, str]) -> str:
    """The address to go back to, with a code in it: in the demo everybody consents."""
    for name in ("client_id", "redirect_uri", "scope"):
        if not query.get(name):
            raise Denied("invalid_request", f"Missing required parameter: {name}")
    if query.get("response_type") != "code":
        raise Denied("unsupported_response_type", "response_type must be code")
    address = query["redirect_uri"]
    if urlsplit(address).hostname not in LOOPBACK or urlsplit(address).scheme != "http":
        raise Denied("redirect_uri_mismatch", "The stand-in redirects to this machine only.")
    code = f"4/demo-{secrets.token_urlsafe(24)}"
    kept = ("client_id", "redirect_uri", "scope", "code_challenge", "code_challenge_method")
    asked = {name: query[name] for name in kept if query.get(name)}
    store.put(CODES, code, {**asked, "expires_at": time.time() + CODE_SECONDS})
    back = {"state": query["state"]} if query.get("state") else {}
    separator = "&" if urlsplit(address).query else "?"
    return f"{address}{separator}{urlencode({**back, 'code': code, 'scope': query['scope']})}"


def _granted(store: Store, form: Mapping[str, str]) -> dict[str, Any]:
    """What a code or a refresh token gives."""
    if form.get("grant_type") == "authorization_code":
        return _from_code(store, form)
    if form.get("grant_type") == "refresh_token":
        grant = store.get(GRANTS, form.get("refresh_token", ""))
        if grant is None:
            raise Denied("invalid_grant", "Token has been expired or revoked.")
        if grant["client_id"] != form.get("client_id"):
            raise Denied("unauthorized_client", "The token was given to another client.", 401)
        return {"scope": grant["scope"]}
    raise Denied("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")


def _from_code(store: Store, form: Mapping[str, str]) -> dict[str, Any]:
    """A code works once, for the client and address it was made for, with the verifier of its challenge."""
    code = form.get("code", "")
    asked = store.get(CODES, code)
    store.delete(CODES, code)
    if asked is None or asked["expires_at"] < time.time():
        raise Denied("invalid_grant", "Malformed auth code.")
    if asked["client_id"] != form.get("client_id"):
        raise Denied("invalid_client", "The OAuth client was not found.", 401)
    if asked["redirect_uri"] != form.get("redirect_uri"):
        raise Denied("redirect_uri_mismatch", "Bad Request")
    _check_verifier(asked, form.get("code_verifier", ""))
    refresh_token = f"1//demo-{secrets.token_urlsafe(24)}"
    store.put(GRANTS, refresh_token, {"client_id": asked["client_id"], "scope": asked["scope"]})
    return {"refresh_token": refresh_token, "scope": asked["scope"]}


def _check_verifier(asked: Mapping[str, Any], verifier: str) -> None:
    """RFC 7636, 4.6."""
    challenge = asked.get("code_challenge")
    if not challenge:
        return
    hashed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    given = hashed if asked.get("code_challenge_method") == "S256" else verifier
    if not verifier or not secrets.compare_digest(given, challenge):
        raise Denied("invalid_grant", "Invalid code verifier.")
