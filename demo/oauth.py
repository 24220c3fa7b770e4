"""OAuth 2 for public clients with PKCE: consent that redirects at once, codes, refresh tokens and access tokens."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from demo.service import PublicRoute, json_object
from demo.store import Store

CODE_SECONDS = 600
# The base64url of a SHA-256 digest has 43 characters.
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


class _Denied(Exception):
    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error, self.description = error, description


@dataclass(frozen=True)
class OAuthRules:
    """What tests may change. With empty `scopes`, people grant all that is requested."""

    scopes: list[str] = field(default_factory=list)
    advanced_seconds: float = 0.0
    rotates: bool = False
    """Whether a refresh token is good for one use."""


@dataclass(frozen=True)
class Grants:
    """The sign-in of one stand-in."""

    service: str
    token_seconds: int
    is_registered: Callable[[str], bool]
    """Whether the app has a redirect address."""
    is_offline: Callable[[Mapping[str, str]], bool]
    """Whether the parameters of a consent ask for a refresh token."""

    def routes(self, store: Store, authorize: str, token: str) -> list[Route]:
        """Return the consent page, the token endpoint and the control for tests.

        `POST /_demo/sign-in` takes `scopes`, `advance_seconds`, `rotates` and `revoke` (all grants).
        """

        async def consent(request: Request) -> Response:
            try:
                return RedirectResponse(self._consented(store, request.query_params), 302)
            except _Denied as denied:
                return _answer(denied)

        async def exchange(request: Request) -> Response:
            form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
            try:
                with store.transaction():
                    return JSONResponse(self._granted(store, form), headers={"cache-control": "no-store"})
            except _Denied as denied:
                return _answer(denied)

        async def switch(request: Request) -> Response:
            given = await json_object(request)
            with store.transaction():
                if given.pop("revoke", False):
                    for kind in ("grants", "access"):
                        for one in store.all(self._in(kind)):
                            store.delete(self._in(kind), one["token"])
                rules = self._rules(store)
                advanced = rules.advanced_seconds + given.pop("advance_seconds", 0)
                store.put(self._in("rules"), "rules", asdict(replace(rules, **given, advanced_seconds=advanced)))
            return JSONResponse({"ok": True})

        return [
            PublicRoute(authorize, consent),
            PublicRoute(token, exchange, methods=["POST"]),
            Route("/_demo/sign-in", switch, methods=["POST"]),
        ]

    def scopes_of(self, store: Store, token: str) -> set[str] | None:
        """Return what an access token allows; None if it is unknown or has ended."""
        found = store.get(self._in("access"), token)
        return set(found["scope"].split()) if found and found["ends_at"] > self._now(store) else None

    def _in(self, kind: str) -> str:
        return f"{self.service}/{kind}"

    def _rules(self, store: Store) -> OAuthRules:
        return OAuthRules(**(store.get(self._in("rules"), "rules") or {}))

    def _now(self, store: Store) -> float:
        return time.time() + self._rules(store).advanced_seconds

    def _consented(self, store: Store, query: Mapping[str, str]) -> str:
        if not query.get("client_id") or query.get("response_type") != "code":
            raise _Denied("invalid_request", "client_id and response_type=code are required")
        if not self.is_registered(query.get("redirect_uri", "")):
            raise _Denied("invalid_request", "Invalid redirect_uri: it must exactly match one of the registered ones")
        is_challenged = _CHALLENGE.fullmatch(query.get("code_challenge", ""))
        if not is_challenged or query.get("code_challenge_method") != "S256":
            raise _Denied("invalid_request", "A public client must send a code_challenge with S256")
        code = secrets.token_urlsafe(24)
        store.put(self._in("codes"), code, {**dict(query), "ends_at": self._now(store) + CODE_SECONDS})
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query.get('state', '')})}"

    def _granted(self, store: Store, form: Mapping[str, str]) -> dict[str, Any]:
        if form.get("grant_type") == "authorization_code":
            return self._from_code(store, form)
        if form.get("grant_type") != "refresh_token":
            raise _Denied("unsupported_grant_type", "grant_type is not supported")
        found = store.get(self._in("grants"), form.get("refresh_token", ""))
        if found is None or found["client_id"] != form.get("client_id"):
            raise _Denied("invalid_grant", "refresh token is invalid or revoked")
        if not self._rules(store).rotates:
            return self._issued(store, found, "")
        # A second use is refused: the token may have been stolen (RFC 9700, 4.14.2).
        store.delete(self._in("grants"), found["token"])
        return self._issued(store, found, self._kept(store, found))

    def _from_code(self, store: Store, form: Mapping[str, str]) -> dict[str, Any]:
        """Redeem a code: once, for its client and address, with the verifier of its challenge (RFC 7636, 4.6)."""
        asked = store.get(self._in("codes"), form.get("code", ""))
        # Also if the rest fails: a code is valid for one attempt (RFC 6749, 4.1.2).
        store.delete(self._in("codes"), form.get("code", ""))
        hashed = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if asked is None or asked["ends_at"] < self._now(store):
            raise _Denied("invalid_grant", "code doesn't exist or has expired")
        if asked["client_id"] != form.get("client_id") or asked["redirect_uri"] != form.get("redirect_uri"):
            raise _Denied("invalid_grant", "the code was issued to another client or redirect_uri")
        if hashed.decode().rstrip("=") != asked["code_challenge"]:
            raise _Denied("invalid_grant", "invalid code verifier")
        scope = " ".join(self._rules(store).scopes) or asked.get("scope", "")
        grant = {"client_id": asked["client_id"], "scope": scope}
        return self._issued(store, grant, self._kept(store, grant) if self.is_offline(asked) else "")

    def _kept(self, store: Store, grant: Mapping[str, Any]) -> str:
        token = f"demo-refresh-{secrets.token_urlsafe(24)}"
        store.put(self._in("grants"), token, {**grant, "token": token})
        return token

    def _issued(self, store: Store, grant: Mapping[str, Any], refresh_token: str) -> dict[str, Any]:
        token = f"demo-access-{secrets.token_urlsafe(24)}"
        ends_at = self._now(store) + self.token_seconds
        store.put(self._in("access"), token, {"token": token, "scope": grant["scope"], "ends_at": ends_at})
        answer = {"access_token": token, "token_type": "bearer", "expires_in": self.token_seconds}
        more = {"refresh_token": refresh_token} if refresh_token else {}
        return {**answer, "scope": grant["scope"], **more}


def _answer(denied: _Denied) -> Response:
    """Return the error response of RFC 6749, 5.2."""
    return JSONResponse({"error": denied.error, "error_description": denied.description}, 400)
