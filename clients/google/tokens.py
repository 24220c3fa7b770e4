"""Google's access tokens: a fixed one, or those of a sign-in file, renewed once for all processes that share it."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from clients import error_mapping as failures
from clients.errors import AuthError, ServiceError
from clients.google.app import GoogleApp, Tokens
from clients.oauth.sign_in_file import SignInFile
from clients.secrets import known
from clients.sign_in import Seal
from clients.transport import AS_IT_IS

if TYPE_CHECKING:
    from google.oauth2.credentials import Credentials

TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
_SECRET = ("refresh_token", "client_secret", "token")


class FixedToken:
    """One access token that is never renewed; an empty one means that nobody has signed in yet."""

    def __init__(self, token: str, app: GoogleApp) -> None:
        self._token, self.app = token, app

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

    def version(self) -> tuple[int, int] | None:
        """Return None: the token never changes."""
        return None


class TokenFile:
    """The tokens of a sign-in file. Threads and processes may share it: one of them renews for all."""

    def __init__(self, file: SignInFile[GoogleApp], http: httpx.Client) -> None:
        self._file, self.app = file, file.app
        self._http = http
        self._lock = threading.Lock()
        self._credentials: Credentials | None = None
        self._read_at: tuple[int, int] | None = None

    def current(self) -> str:
        """Return the file's token, renewed if it has expired; a new sign-in takes effect at once."""
        with self._lock:
            read = self._credentials
            if read is not None and read.valid and self._read_at == self._file.version():
                return str(read.token)
        return self._renew("")

    def renewed(self, refused: str) -> str | None:
        """Return a token other than the rejected one: another process may have renewed it already."""
        return self._renew(refused)

    def owner(self) -> str:
        """Return the address noted at sign-in."""
        try:
            return str(self._file.read().get("account", ""))
        except AuthError:
            return ""

    def version(self) -> tuple[int, int] | None:
        """Return a value that changes when the file is replaced."""
        return self._file.version()

    def _renew(self, refused: str) -> str:
        with self._lock, self._file.locked():
            info = self._file.read()
            credentials = _credentials(info, self._file)
            if not credentials.valid or credentials.token == refused:
                info = _refreshed(info, credentials, self._http, self.app)
                # Saved before use: the service may revoke the old one as soon as the new one is used.
                self._file.save(info)
            elif self._file.is_in_clear():
                self._file.save(info)
            _require_scopes(info, self.app)
            self._credentials, self._read_at = credentials, self._file.version()
            return str(credentials.token)


def tokens_of(
    app: GoogleApp, token: str, token_file: Path | None, http: httpx.Client, seal: Seal | None = None
) -> Tokens:
    """Return the token source of a connection's settings; an explicit token takes precedence."""
    if token or token_file is None:
        return FixedToken(token, app)
    return TokenFile(SignInFile(token_file.expanduser(), app, seal), http)


def _credentials(info: Mapping[str, Any], file: SignInFile[GoogleApp]) -> Credentials:
    from google.oauth2.credentials import Credentials

    missing = [key for key in ("refresh_token", "client_id", "client_secret") if not info.get(key)]
    if missing:
        raise file.app.sign_in_error(
            f"{file.path} is not a {file.app.title} sign-in file: it lacks {', '.join(missing)}."
        )
    known.keep(f"sign-in file {file.path}", *(str(info.get(key) or "") for key in _SECRET))
    return Credentials(  # type: ignore[no-untyped-call]
        token=info.get("token"),
        refresh_token=info["refresh_token"],
        token_uri=info.get("token_uri") or TOKEN_URI,
        client_id=info["client_id"],
        client_secret=info["client_secret"],
        scopes=info.get("scopes"),
        account=info.get("account", ""),
        expiry=_expiry(str(info.get("expiry", ""))),
    )


def _expiry(text: str) -> datetime:
    """Parse a token's expiry as google-auth stores it (UTC, naive); return a time long past if unknown."""
    try:
        ends_at = datetime.fromisoformat(text)
    except ValueError:
        ends_at = datetime.fromtimestamp(0, UTC)
    return (ends_at.astimezone(UTC) if ends_at.tzinfo else ends_at).replace(tzinfo=None)


def _refreshed(info: Mapping[str, Any], credentials: Credentials, http: httpx.Client, app: GoogleApp) -> dict[str, Any]:
    """Renew the credentials; return the new content of the sign-in file."""
    from google.auth.exceptions import GoogleAuthError

    exchange = _Exchange(http, app)
    try:
        credentials.refresh(exchange)  # type: ignore[no-untyped-call]
    except ServiceError as error:
        error.outcome = "not_done"  # the request itself has not been sent yet
        raise
    except GoogleAuthError as error:
        who = f" for {credentials.account}" if credentials.account else ""
        said = str(error.args[0]) if error.args else "no reason given"
        said = known.in_text(said)[:300].rstrip(".")
        raise app.sign_in_error(
            f"Google refuses to renew the sign-in{who}: {said}.",
            account=str(credentials.account or ""),
            lacks_scope="invalid_scope" in said,
        ) from None
    written: dict[str, Any] = json.loads(credentials.to_json())  # type: ignore[no-untyped-call]
    written["granted_scopes"] = list(credentials.granted_scopes or info.get("scopes") or [])
    return {**info, **written, **end_of(exchange.answer, datetime.now(UTC))}


def end_of(answer: Mapping[str, Any], now: datetime) -> dict[str, str]:
    """Return {sign_in_ends_at} if the token endpoint says how long the refresh token stays valid, else {}.

    For apps in the publishing status "Testing" it is seven days from the consent
    (https://developers.google.com/identity/protocols/oauth2#expiration).
    """
    seconds = answer.get("refresh_token_expires_in")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds <= 0:
        return {}
    return {"sign_in_ends_at": (now + timedelta(seconds=seconds)).isoformat(timespec="seconds")}


def _require_scopes(info: Mapping[str, Any], app: GoogleApp) -> None:
    granted, wanted = info.get("granted_scopes"), info.get("scopes") or []
    missing = [scope for scope in wanted if scope not in granted] if isinstance(granted, list) else []
    if missing:
        who = f" of {info['account']}" if info.get("account") else ""
        names = ", ".join(scope.rpartition("/")[2] for scope in missing)
        said = f"The Google sign-in{who} has less access than it needs: {names} is missing."
        raise app.sign_in_error(said, account=str(info.get("account", "")), lacks_scope=True)


class _Exchange:
    """The transport that google-auth uses for the token endpoint; raises errors that google-auth cannot handle."""

    def __init__(self, http: httpx.Client, app: GoogleApp) -> None:
        self._http, self._service = http, app.service
        self.answer: Mapping[str, Any] = {}

    def __call__(
        self, url: str, method: str = "GET", body: bytes | None = None, headers: Any = None, **_: object
    ) -> _Exchanged:
        try:
            answer = self._http.request(method, url, content=body, headers=headers, extensions={AS_IT_IS: True})
        except httpx.HTTPError as error:
            raise failures.of_broken_connection(self._service, error) from error
        if answer.status_code >= 500 or answer.status_code == 429:
            raise failures.of_status(
                self._service, answer.status_code, answer.headers, "the token could not be renewed now"
            )
        with contextlib.suppress(ValueError):
            read = answer.json()
            self.answer = read if isinstance(read, dict) else {}
        return _Exchanged(answer)


class _Exchanged:
    """A response in the form that google-auth expects."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        self.headers = answer.headers
        self.data = answer.content
