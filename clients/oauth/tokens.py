"""Access tokens: a fixed one, or those of a sign-in file, renewed once for all threads and processes that share it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Protocol

import httpx

from clients.errors import AuthError
from clients.oauth.app import OAuthApp
from clients.oauth.exchange import exchanged, is_fresh, kept, now_utc
from clients.oauth.sign_in_file import SignInFile
from clients.secrets import known
from clients.sign_in import Seal


class Tokens(Protocol):
    """Provides a client's access tokens."""

    def current(self) -> str:
        """Return a token that should be valid; raises AuthError, or any ServiceError if renewing it fails."""

    def renewed(self, refused: str) -> str | None:
        """Return another token after this one was rejected, or None if there is no other."""

    def owner(self) -> str:
        """Return the account's name if it is known without a request, else ""."""

    def version(self) -> tuple[int, int] | None:
        """Return a value that changes with each sign-in, or None for a fixed token."""


class FixedToken:
    """One access token that is never renewed; an empty one means that nobody has signed in yet."""

    def __init__(self, app: OAuthApp, token: str) -> None:
        self._app, self._token = app, token

    def current(self) -> str:
        """Return the token; raises AuthError if it is empty."""
        if not self._token:
            raise self._app.sign_in_error(f"Nobody has signed in to {self._app.title} yet.")
        return self._token

    def renewed(self, refused: str) -> str | None:
        """Return None: there is no other token."""
        return None

    def owner(self) -> str:
        """Return "": a bare token does not name its account."""
        return ""

    def version(self) -> tuple[int, int] | None:
        """Return None: the token never changes."""
        return None


class TokenFile:
    """The tokens of a sign-in file: whoever has its lock renews them, the others read what was saved."""

    def __init__(self, app: OAuthApp, file: SignInFile[OAuthApp], http: httpx.Client, base_url: str) -> None:
        self._app, self._file, self._http, self._base_url = app, file, http, base_url
        self._lock = threading.Lock()
        self._info: dict[str, Any] = {}
        self._read_at: tuple[int, int] | None = None

    def current(self) -> str:
        """Return the file's token, renewed if it has expired; a new sign-in takes effect at once."""
        with self._lock:
            if is_fresh(self._info, now_utc()) and self._read_at == self._file.version():
                return str(self._info["token"])
        return self.renewed("")

    def renewed(self, refused: str) -> str:
        """Return a token other than the rejected one: another process may have renewed it already."""
        with self._lock, self._file.locked():
            info = self._file.read()
            self._require_whole(info)
            known.keep(f"sign-in file {self._file.path}", info["refresh_token"], str(info.get("token") or ""))
            if not is_fresh(info, now_utc()) or info["token"] == refused:
                info = self._refreshed(info)
                self._file.save(info)  # before use: the old refresh token may be void as soon as the new one is used
            elif self._file.is_in_clear():
                self._file.save(info)
            self._info, self._read_at = info, self._file.version()
            return str(info["token"])

    def owner(self) -> str:
        """Return the account noted at sign-in."""
        try:
            return str(self._file.read().get("account", ""))
        except AuthError:
            return ""

    def version(self) -> tuple[int, int] | None:
        """Return a value that changes when the file is replaced."""
        return self._file.version()

    def _require_whole(self, info: dict[str, Any]) -> None:
        missing = [key for key in ("refresh_token", "client_id") if not info.get(key)]
        if missing:
            raise self._app.sign_in_error(
                f"{self._file.path} is not a {self._app.title} sign-in file: it lacks {', '.join(missing)}."
            )

    def _refreshed(self, info: dict[str, Any]) -> dict[str, Any]:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": info["refresh_token"],
            "client_id": info["client_id"],
        }
        try:
            answer = exchanged(self._app, self._http, self._base_url, form)
        except AuthError as error:
            error.account = str(info.get("account", ""))
            raise
        return kept(info, answer, now_utc())


def tokens_of(
    app: OAuthApp, token: str, token_file: Path | None, http: httpx.Client, base_url: str, seal: Seal | None
) -> Tokens:
    """Return the token source of a connection's settings; an explicit token takes precedence."""
    if token or token_file is None:
        return FixedToken(app, token)
    return TokenFile(app, SignInFile(token_file.expanduser(), app, seal), http, base_url)
