"""Google's OAuth for an installed app: a consent that redirects at once, and the token endpoint.

Source: https://developers.google.com/identity/protocols/oauth2/native-app; PKCE is RFC 7636.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from demo.gmail import grants as gmail_grants
from demo.gmail.grants import Denied, GrantRules
from demo.service import PublicRoute, json_object
from demo.store import Store

CODES = "gmail_codes"
CODE_SECONDS = 600
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
NO_STORE = {"cache-control": "no-store"}


def routes(store: Store) -> list[Route]:
    """Return the consent page, the token endpoint, revocation, and the controls for tests.

    `POST /_demo/sign-in` takes `testing`, `rotates`, `scopes` (what people grant), `advance_seconds` (moves the clock
    forward) and `revoke` (revokes all grants); omitted ones are unchanged.
    """

    async def consent(request: Request) -> Response:
        try:
            return RedirectResponse(_consented(store, request.query_params), 302)
        except Denied as denied:
            return _answer(denied)

    async def exchange(request: Request) -> Response:
        form = _client_of(request) | _form(await request.body())
        try:
            with store.transaction():
                granted = _granted(store, form)
        except Denied as denied:
            return _answer(denied)
        return JSONResponse(granted, headers=NO_STORE)

    async def revoke(request: Request) -> Response:
        token = (_form(await request.body()) | dict(request.query_params)).get("token", "")
        if not token:
            return _answer(Denied("invalid_request", "Missing required parameter: token"))
        with store.transaction():
            gmail_grants.revoke(store, token)
        return JSONResponse({})

    async def switch(request: Request) -> Response:
        _switch(store, await json_object(request))
        return JSONResponse({"ok": True})

    return [
        PublicRoute("/o/oauth2/auth", consent),
        PublicRoute("/token", exchange, methods=["POST"]),
        PublicRoute("/revoke", revoke, methods=["POST"]),
        Route("/_demo/sign-in", switch, methods=["POST"]),
    ]


def _switch(store: Store, given: dict[str, Any]) -> None:
    with store.transaction():
        if given.pop("revoke", False):
            gmail_grants.revoke(store)
        rules = GrantRules.of(store)
        advanced = rules.advanced_seconds + given.pop("advance_seconds", 0)
        replace(rules, **given, advanced_seconds=advanced).keep(store)


def _answer(denied: Denied) -> Response:
    """Return the error response of RFC 6749, 5.2."""
    body = {"error": denied.error, "error_description": denied.description}
    return JSONResponse(body, denied.status, NO_STORE)


def _form(body: bytes) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _client_of(request: Request) -> dict[str, str]:
    """Return the client from HTTP Basic (RFC 6749, 2.3.1), as google-auth-oauthlib sends it, or {}."""
    word, _, value = request.headers.get("authorization", "").partition(" ")
    if word.lower() != "basic":
        return {}
    try:
        client_id, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return {}
    return {"client_id": unquote_plus(client_id), "client_secret": unquote_plus(secret)}


def _consented(store: Store, query: Mapping[str, str]) -> str:
    """Return the redirect URL with a code: in the demo everybody consents."""
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
    """Return the answer to a code or a refresh token."""
    if form.get("grant_type") == "authorization_code":
        return _from_code(store, form)
    if form.get("grant_type") == "refresh_token":
        return gmail_grants.renew(store, form.get("refresh_token", ""), form.get("client_id", ""))
    raise Denied("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")


def _from_code(store: Store, form: Mapping[str, str]) -> dict[str, Any]:
    """Redeem a code: valid once, for its client and redirect URL, with the verifier of its challenge."""
    code = form.get("code", "")
    asked = store.get(CODES, code)
    # Also if the rest fails: a code is valid for one attempt (RFC 6749, 4.1.2).
    store.delete(CODES, code)
    if asked is None or asked["expires_at"] < time.time():
        raise Denied("invalid_grant", "Malformed auth code.")
    if asked["client_id"] != form.get("client_id"):
        raise Denied("invalid_client", "The OAuth client was not found.", 401)
    if asked["redirect_uri"] != form.get("redirect_uri"):
        raise Denied("redirect_uri_mismatch", "Bad Request")
    _check_verifier(asked, form.get("code_verifier", ""))
    return gmail_grants.grant(store, asked["client_id"], " ".join(GrantRules.of(store).scopes) or asked["scope"])


def _check_verifier(asked: Mapping[str, Any], verifier: str) -> None:
    """Check the PKCE verifier (RFC 7636, 4.6)."""
    challenge = asked.get("code_challenge")
    if not challenge:
        return
    hashed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    given = hashed if asked.get("code_challenge_method") == "S256" else verifier
    if not verifier or not secrets.compare_digest(given, challenge):
        raise Denied("invalid_grant", "Invalid code verifier.")
