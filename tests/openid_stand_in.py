"""A sign-in provider on loopback that says whatever a test wants: it signs with its own key, and lets everybody in."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.api.conftest import serving

CLIENT, SECRET = "orchestra", "a secret & more"
ANN = {"sub": "8f2-ann", "preferred_username": "Ann", "name": "Ann Example", "groups": ["staff", "orchestra-editors"]}


def new_key() -> rsa.RSAPrivateKey:
    """A key pair to sign with."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


@dataclass
class StandInProvider:
    """What it says; tests change the fields."""

    issuer: str = ""
    person: dict[str, Any] = field(default_factory=lambda: dict(ANN))
    """The claims of whoever signs in."""
    key: rsa.RSAPrivateKey = field(default_factory=new_key)
    kid: str = "one"
    changed: dict[str, Any] = field(default_factory=dict)
    """Claims of ID tokens that are not as they should be."""
    described: dict[str, Any] = field(default_factory=dict)
    """What it says about itself, where it is not as it should be."""
    sent_back: dict[str, str] = field(default_factory=dict)
    """What the browser brings back, where it is not as it should be."""
    sign: Callable[[dict[str, Any]], str] | None = None
    """Makes an ID token of claims in another way."""
    userinfo: dict[str, Any] | None = None
    answers: dict[str, Callable[[], Response]] = field(default_factory=dict)
    """By path: another answer."""
    asked: list[str] = field(default_factory=list)
    """The paths that were asked for."""
    takes_codes_twice: bool = False
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def routes(self) -> list[Route]:
        """Its routes."""
        paths: dict[str, Callable[[Request], Any]] = {
            "/.well-known/openid-configuration": self._description,
            "/authorize": self._authorize,
            "/token": self._token,
            "/jwks": self._keys,
            "/userinfo": self._userinfo,
        }

        def watched(path: str, handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
            async def answer(request: Request) -> Response:
                self.asked.append(path)
                if path in self.answers:
                    return self.answers[path]()
                found: Response = await handler(request)
                return found

            return answer

        return [Route(path, watched(path, each), methods=["GET", "POST"]) for path, each in paths.items()]

    def signed(self, claims: dict[str, Any], **header: Any) -> str:
        """A token with its signature."""
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": self.kid, **header})

    def public_jwk(self) -> dict[str, Any]:
        """Its public key."""
        return {**json.loads(RSAAlgorithm.to_jwk(self.key.public_key())), "kid": self.kid, "use": "sig"}

    async def _description(self, _request: Request) -> Response:
        said = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "end_session_endpoint": f"{self.issuer}/logout",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            "authorization_response_iss_parameter_supported": True,
        }
        if self.userinfo is not None:
            said["userinfo_endpoint"] = f"{self.issuer}/userinfo"
        return JSONResponse({**said, **self.described})

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.issuer, **self.sent_back}
        given = {name: value for name, value in back.items() if value}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(given)}", 303)

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        begun = self._codes.get(form.get("code", ""))
        if not self.takes_codes_twice:
            self._codes.pop(form.get("code", ""), None)
        if not _knows_client(request):
            return JSONResponse({"error": "invalid_client"}, 401)
        challenge = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        is_right = (
            begun is not None
            and begun["code_challenge_method"] == "S256"
            and base64.urlsafe_b64encode(challenge).decode().rstrip("=") == begun["code_challenge"]
            and begun["redirect_uri"] == form.get("redirect_uri")
        )
        if begun is None or not is_right:
            return JSONResponse({"error": "invalid_grant"}, 400)
        id_token = (self.sign or self.signed)(self.claims(begun["nonce"]))
        return JSONResponse({"access_token": "at-1", "token_type": "Bearer", "id_token": id_token})

    def claims(self, nonce: str) -> dict[str, Any]:
        """The claims of an ID token."""
        now = int(time.time())
        said = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce}
        whole = {**said, **self.person, **self.changed}
        return {name: value for name, value in whole.items() if value is not None}

    async def _keys(self, _request: Request) -> Response:
        return JSONResponse({"keys": [{"kty": "ODD", "kid": "odd"}, self.public_jwk()]})

    async def _userinfo(self, request: Request) -> Response:
        if request.headers.get("authorization") != "Bearer at-1":
            return JSONResponse({"error": "invalid_token"}, 401)
        return JSONResponse(self.userinfo)


def _knows_client(request: Request) -> bool:
    kind, _, pair = request.headers.get("authorization", "").partition(" ")
    if kind != "Basic":
        return False
    client, _, secret = base64.b64decode(pair).decode().partition(":")
    return (unquote_plus(client), unquote_plus(secret)) == (CLIENT, SECRET)


@contextmanager
def stand_in() -> Iterator[StandInProvider]:
    """A provider that runs until the block ends."""
    provider = StandInProvider()
    with serving(Starlette(routes=provider.routes())) as address:
        provider.issuer = address
        yield provider
