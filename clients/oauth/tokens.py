"""Access tokens: a fixed one, or one in a sign-in file, renewed once for all threads and processes that share it."""

from __future__ import annotations

import threading
from typing import Any

import httpx

from clients.errors import AuthError
from clients.oauth.app import SignInApp, TokenSource
from clients.oauth.exchange import exchanged, granted_in, is_fresh, kept, now_utc
from clients.oauth.settings import SignInSettings
from clients.oauth.sign_in_file import SignInFile
from clients.secrets import known
from clients.sign_in import Seal

_SECRET = ("refresh_token", "client_secret", "token")


class FixedToken:
    """One access token that is never renewed; an empty one means that nobody has signed in yet."""

    def __init__(self, app: SignInApp, token: str) -> None:
        self.app, self._token = app, token

    def current(self) -> str:
        """Return the token; raises AuthError if it is empty."""
        if not self._token:
            raise self.app.sign_in_error(f"Nobody has signed in to {self.app.title} yet.")
        return self._token

    def renewed(self, refused: str) -> str | None:
        """Return None: there is no other token."""
        return None

    def owner(self) -> str:
        """Return "": a bare token does not name its account."""
        return ""

    def version(self) -> str | None:
        """Return None: the token never changes."""
        return None


class TokenFile:
    """The tokens of a sign-in file: whoever has its lock renews them, the others read what was saved."""

    def __init__(self, file: SignInFile, http: httpx.Client, base_url: str) -> None:
        self.app, self._file, self._http, self._base_url = file.app, file, http, base_url
        self._lock = threading.Lock()
        self._info: dict[str, Any] = {}
        self._read_at: str | None = None

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
            known.keep(f"sign-in file {self._file.path}", *(str(info.get(key) or "") for key in _SECRET))
            if not is_fresh(info, now_utc()) or info["token"] == refused:
                info = self._refreshed(info)
                self._file.save(info)  # before use: the old refresh token may be void as soon as the new one is used
            elif self._file.is_in_clear():
                self._file.save(info)
            self._require_access(info)
            self._info, self._read_at = info, self._file.version()
            return str(info["token"])

    def owner(self) -> str:
        """Return the account noted at sign-in."""
        try:
            return _account(self._file.read())
        except AuthError:
            return ""

    def version(self) -> str | None:
        """Return a value that changes when the file is replaced."""
        return self._file.version()

    def _require_whole(self, info: dict[str, Any]) -> None:
        missing = [key for key in self.app.renewed_with if not info.get(key)]
        if missing:
            raise self.app.sign_in_error(
                f"{self._file.path} is not a {self.app.title} sign-in file: it lacks {', '.join(missing)}."
            )

    def _require_access(self, info: dict[str, Any]) -> None:
        granted, account = granted_in(info), _account(info)
        missing = self.app.lacking(granted) if granted else []
        if missing:
            whose = f" of {account}" if account else ""
            said = f"The sign-in{whose} has less access than {self.app.title} needs: {', '.join(missing)} is missing."
            raise self.app.sign_in_error(said, account=account, lacks_scope=True)

    def _refreshed(self, info: dict[str, Any]) -> dict[str, Any]:
        url = info.get("token_uri") or self.app.at_base(self.app.token_url, self._base_url)
        form = {"grant_type": "refresh_token", **{key: str(info[key]) for key in self.app.renewed_with}}
        return kept(info, exchanged(self.app, self._http, str(url), form, _account(info)), now_utc())


def _account(info: dict[str, Any]) -> str:
    return str(info.get("account") or "")


def tokens_of(app: SignInApp, settings: SignInSettings, http: httpx.Client, seal: Seal | None) -> TokenSource:
    """Return the token source of a connection's settings; an explicit token takes precedence."""
    token = settings.token.get_secret_value() if settings.token is not None else ""
    if token or settings.token_file is None:
        known.keep(f"requests to {app.title}", token)  # downloads are not redacted
        return FixedToken(app, token)
    return TokenFile(SignInFile(settings.token_file.expanduser(), app, seal), http, settings.base_url)
