"""A sign-in with PKCE and the id of a public client (RFC 7636, RFC 8252): no secret of the client is needed."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from clients.errors import AuthError
from clients.oauth.app import OAuthApp
from clients.oauth.exchange import exchanged, kept, now_utc
from clients.oauth.redirect import TRY_AGAIN, Answers, listening, returned_code
from clients.oauth.sign_in_file import SignInFile
from clients.secrets import known
from clients.sign_in import Seal, SignedIn, SignInFacts, SignInWay, WrongFile
from clients.transport import http_client

_CLIENT_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_WAIT_SECONDS = 300.0


class PublicClientSignIn(SignInWay):
    """Signs in with the id of a client that the person registered at the service."""

    def __init__(self, app: OAuthApp, guide: str, more: tuple[str, str], id_label: str) -> None:
        self._app, self.at = app, app.at
        self.guide, self.more, self.id_label = guide, more, id_label
        self.file_remedy = f"Give the {id_label} alone: `--client-id`, or the field on the page Connections."

    def sign_in(self, file: Path, open_browser: Callable[[str], object], base_url: str) -> SignedIn:
        """Let a person sign in; writes nothing. `file` is JSON: {client_id}."""
        app, base_url = self._app, base_url or self._app.service.url
        client_id, verifier, answers = self._client_id(file), secrets.token_urlsafe(64), Answers()
        registered = urlsplit(app.redirect)
        with listening(app.name, registered.port or 0, answers) as (address, expected):
            redirect = app.redirect if registered.port else f"{app.redirect}:{urlsplit(address).port}"
            expected.append(secrets.token_urlsafe(32))
            asked = _asked(app, client_id, redirect, expected[0], verifier)
            open_browser(f"{app.at_base(app.authorize_url, base_url)}?{urlencode(asked)}")
            code = returned_code(answers, app.name, app.at, _WAIT_SECONDS)
        known.keep("sign-in under way", code, verifier)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect}
        with http_client() as http:
            answer = exchanged(app, http, base_url, {**form, "client_id": client_id, "code_verifier": verifier})
            _require_lasting(app, answer)
            account = app.account_of(http, str(answer["access_token"]), base_url)
        now = now_utc()
        noted = {"account": account, "client_id": client_id, "consented_at": now.isoformat(timespec="seconds")}
        return SignedIn(account, kept(noted, answer, now))

    def stored(self, path: Path, seal: Seal | None) -> SignInFile[OAuthApp]:
        """Return a sign-in file."""
        return SignInFile(path, self._app, seal)

    def facts(self, info: Mapping[str, Any], now: datetime) -> SignInFacts:
        """Return the facts in the content of a sign-in file; it does not end by itself while it is used."""
        del now
        return SignInFacts(
            account=str(info.get("account", "")),
            owner=str(info.get("owner", "")),
            scopes=tuple(one.rpartition("/")[2] for one in str(info.get("granted", "")).split()),
            consented_at=str(info.get("consented_at", "")),
        )

    def _client_id(self, file: Path) -> str:
        try:
            found = json.loads(file.read_text(encoding="utf-8"))["client_id"]
        except (OSError, ValueError, LookupError, TypeError):
            found = None
        if not isinstance(found, str) or not _CLIENT_ID.fullmatch(found):
            raise WrongFile(f"This is no {self.id_label}.", service=self._app.name, remedy=self.file_remedy)
        return found


def _asked(app: OAuthApp, client_id: str, redirect: str, state: str, verifier: str) -> dict[str, str]:
    """Return the parameters of the consent page (RFC 6749 4.1.1, RFC 7636 4.3)."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    return {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect,
        "scope": " ".join(app.scopes),
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **app.asks_more,
    }


def _require_lasting(app: OAuthApp, answer: Mapping[str, Any]) -> None:
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
