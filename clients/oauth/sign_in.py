"""A sign-in in the browser with a loopback redirect (RFC 8252) and PKCE (RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import httpx

from clients.errors import AuthError
from clients.oauth.app import OAuthApp, SignInApp
from clients.oauth.exchange import exchanged, granted_in, kept, now_utc
from clients.oauth.redirect import TRY_AGAIN, Answers, listening, returned_code
from clients.oauth.sign_in_file import SignInFile
from clients.oauth.tokens import FixedToken
from clients.secrets import known
from clients.sign_in import Seal, SignedIn, SignInFacts, SignInWay, WrongFile
from clients.transport import http_client

_CLIENT_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
WAIT_SECONDS = 300.0


class AuthorizationRequest(Protocol):
    """One sign-in under way."""

    address: str
    """The address of the consent page, with all its parameters (RFC 6749 4.1.1, RFC 7636 4.3)."""
    state: str
    """The value that the browser has to bring back."""
    secrets: tuple[str, ...]
    """Texts that no log may show."""

    def answer(self, http: httpx.Client, code: str) -> dict[str, Any]:
        """Return the token endpoint's answer to the code. Raises ServiceError."""


@dataclass(frozen=True)
class Registered:
    """The client that a person has registered at a service."""

    redirect: str
    """Its redirect address; without a port any is accepted."""
    noted: Mapping[str, str]
    """The members for the sign-in file, which are needed to renew the token."""
    begin: Callable[[str], AuthorizationRequest]
    """Begins a sign-in, whose redirect is this address with its port."""


def signed_in(
    app: SignInApp,
    client: Registered,
    open_browser: Callable[[str], object],
    base_url: str,
    timeout: float = WAIT_SECONDS,
) -> SignedIn:
    """Let a person sign in with their browser; writes nothing.

    `open_browser` is called with the address to open; `base_url` is the API's; `timeout` is in seconds. Raises
    AuthError (refused, or less than the needed access) and Timeout.
    """
    answers, registered = Answers(), urlsplit(client.redirect)
    with listening(app.name, registered.port or 0, answers) as (address, expected):
        redirect = client.redirect if registered.port else _with_port(client.redirect, urlsplit(address).port)
        consent = client.begin(redirect)
        # Any page may call the port; only the answer with this state counts (RFC 6749, 10.12).
        expected.append(consent.state)
        open_browser(consent.address)
        code = returned_code(answers, app.name, app.at, timeout)
    now = now_utc()
    # Before the first request, whose failure could show them.
    known.keep("sign-in under way", code, *consent.secrets)
    with http_client() as http:
        answer = consent.answer(http, code)
        _require_lasting(app, answer)
        account = app.account_of(http, FixedToken(app, str(answer["access_token"])), base_url)
    noted = {"account": account, **client.noted, "consented_at": now.isoformat(timespec="seconds")}
    return SignedIn(account, kept(noted, answer, now))


def facts_in(info: Mapping[str, Any]) -> SignInFacts:
    """Return the facts in the content of a sign-in file, except when it ends."""
    granted = granted_in(info).split() or info.get("scopes") or []
    return SignInFacts(
        account=str(info.get("account", "")),
        owner=str(info.get("owner", "")),
        scopes=tuple(str(one).rpartition("/")[2] for one in granted),
        consented_at=str(info.get("consented_at", "")),
    )


class PublicClientSignIn(SignInWay):
    """Signs in with the id of a client that the person registered at the service; no secret of it is needed."""

    def __init__(self, app: OAuthApp, guide: str, more: tuple[str, str], id_label: str) -> None:
        self._app, self.at = app, app.at
        self.guide, self.more, self.id_label = guide, more, id_label
        self.file_remedy = f"Give the {id_label} alone: `--client-id`, or the field on the page Connections."

    def sign_in(self, file: Path, open_browser: Callable[[str], object], base_url: str) -> SignedIn:
        """Let a person sign in; writes nothing. `file` is JSON: {client_id}."""
        app, base_url = self._app, base_url or self._app.service.url
        client_id = self._client_id(file)
        begin = partial(_PublicConsent, app, client_id, base_url)
        client = Registered(redirect=app.redirect, noted={"client_id": client_id}, begin=begin)
        return signed_in(app, client, open_browser, base_url)

    def stored(self, path: Path, seal: Seal | None) -> SignInFile:
        """Return a sign-in file."""
        return SignInFile(path, self._app, seal)

    def facts(self, info: Mapping[str, Any], now: datetime) -> SignInFacts:
        """Return the facts in the content of a sign-in file; it does not end by itself while it is used."""
        del now
        return facts_in(info)

    def _client_id(self, file: Path) -> str:
        try:
            found = json.loads(file.read_text(encoding="utf-8"))["client_id"]
        except (OSError, ValueError, LookupError, TypeError):
            found = None
        if not isinstance(found, str) or not _CLIENT_ID.fullmatch(found):
            raise WrongFile(f"This is no {self.id_label}.", service=self._app.name, remedy=self.file_remedy)
        return found


class _PublicConsent:
    """A sign-in under way, with a client that has no secret."""

    def __init__(self, app: OAuthApp, client_id: str, base_url: str, redirect: str) -> None:
        self._app, self._base_url = app, base_url
        # The verifier has 86 characters, of the 43 to 128 that RFC 7636 4.1 allows.
        self._form = {"client_id": client_id, "redirect_uri": redirect, "code_verifier": secrets.token_urlsafe(64)}
        self.state = secrets.token_urlsafe(32)
        self.secrets: tuple[str, ...] = (self._form["code_verifier"],)
        digest = hashlib.sha256(self._form["code_verifier"].encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": redirect,
            "scope": " ".join(app.scopes),
            "state": self.state,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
            **app.asks_more,
        }
        self.address = f"{app.at_base(app.authorize_url, base_url)}?{urlencode(asked)}"

    def answer(self, http: httpx.Client, code: str) -> dict[str, Any]:
        """Return the token endpoint's answer to the code. Raises ServiceError."""
        url = self._app.at_base(self._app.token_url, self._base_url)
        return exchanged(self._app, http, url, {"grant_type": "authorization_code", "code": code, **self._form})


def _with_port(redirect: str, port: int | None) -> str:
    parts = urlsplit(redirect)
    return f"{parts.scheme}://{parts.hostname}:{port}{parts.path}"


def _require_lasting(app: SignInApp, answer: Mapping[str, Any]) -> None:
    """Raise AuthError without a refresh token, or without the access that steps need."""
    if not answer.get("refresh_token"):
        raise AuthError(
            f"{app.at} returned no refresh token, so the sign-in would not last.", service=app.name, remedy=TRY_AGAIN
        )
    missing = app.lacking(str(answer.get("scope", "")))
    if missing:
        said = f"Not all of the required access was granted: {', '.join(missing)} is missing."
        error = AuthError(said, service=app.name, remedy=f"Allow it for your app at {app.at}, then sign in again.")
        error.lacks_scope = True
        raise error
