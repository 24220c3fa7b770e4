"""Gmail's access tokens: a fixed one, or those of a sign-in file, renewed once for all processes that share it."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from clients import failures
from clients.errors import AuthError, ServiceError
from clients.gmail.sign_in_file import SERVICE, Seal, SignInFile, sign_in_error

if TYPE_CHECKING:
    from google.oauth2.credentials import Credentials

TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address


class Tokens(Protocol):
    """Where a Gmail client takes its access tokens from."""

    def current(self) -> str:
        """Give a token that should be good; raises AuthError and, where it must be renewed, any ServiceError."""

    def renewed(self, refused: str) -> str | None:
        """Give another token after this one was refused; None where there is no other."""

    def owner(self) -> str:
        """Give the address of the account where it is known without asking, else ""."""

    def version(self) -> tuple[int, int] | None:
        """Give what changes whenever the sign-in does; None where it cannot."""


class FixedToken:
    """One access token that nobody renews; an empty one means that nobody has signed in yet."""

    def __init__(self, token: str) -> None:
        self._token = token

    def current(self) -> str:
        """Give the token; raises AuthError where there is none."""
        if not self._token:
            raise sign_in_error("Nobody has signed in to Gmail yet.")
        return self._token

    def renewed(self, refused: str) -> str | None:
        """Give nothing: there is no other."""
        return None

    def owner(self) -> str:
        """Give nothing: a bare token names nobody."""
        return ""

    def version(self) -> tuple[int, int] | None:
        """Give nothing: it stays as it is."""
        return None


class TokenFile:
    """The tokens of a sign-in file. Threads and processes may share it: one of them renews for all."""

    def __init__(self, file: SignInFile, http: httpx.Client) -> None:
        self._file = file
        self._http = http
        self._lock = threading.Lock()
        self._credentials: Credentials | None = None
        self._read_at: tuple[int, int] | None = None

    def current(self) -> str:
        """Give the token of the file, renewed first where it has run out; a new sign-in is noticed at once."""
        with self._lock:
            known = self._credentials
            if known is not None and known.valid and self._read_at == self._file.version():
                return str(known.token)
        return self._renew("")

    def renewed(self, refused: str) -> str | None:
        """Give a token other than the refused one: another process may have renewed it already."""
        return self._renew(refused)

    def owner(self) -> str:
        """Give the address that was noted at sign-in."""
        try:
            return str(self._file.read().get("account", ""))
        except AuthError:
            return ""

    def version(self) -> tuple[int, int] | None:
        """Give what changes when the file is replaced."""
        return self._file.version()

    def _renew(self, refused: str) -> str:
        with self._lock, self._file.locked():
            info = self._file.read()
            credentials = _credentials(info, self._file.path)
            if not credentials.valid or credentials.token == refused:
                info = _refreshed(info, credentials, self._http)
                # Saved before use: the service may take the old one back as soon as the new one is used.
                self._file.save(info)
            elif self._file.is_in_clear():
                self._file.save(info)
            _require_scopes(info)
            self._credentials, self._read_at = credentials, self._file.version()
            return str(credentials.token)


def tokens_of(token: str, token_file: Path | None, http: httpx.Client, seal: Seal | None = None) -> Tokens:
    """Give the source of tokens that a connection's settings name; a token itself wins."""
    if token or token_file is None:
        return FixedToken(token)
    return TokenFile(SignInFile(token_file.expanduser(), seal), http)


def _credentials(info: Mapping[str, Any], path: Path) -> Credentials:
    from google.oauth2.credentials import Credentials

    missing = [key for key in ("refresh_token", "client_id", "client_secret") if not info.get(key)]
    if missing:
        raise sign_in_error(f"{path} is not a Gmail sign-in file: it lacks {', '.join(missing)}.")
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
    """Read the time at which a token runs out, as google-auth keeps it (UTC, naive); long ago where not known."""
    try:
        known = datetime.fromisoformat(text)
    except ValueError:
        known = datetime.fromtimestamp(0, UTC)
    return (known.astimezone(UTC) if known.tzinfo else known).replace(tzinfo=None)


def _refreshed(info: Mapping[str, Any], credentials: Credentials, http: httpx.Client) -> dict[str, Any]:
    """Renew the credentials; give what the sign-in file says from here on."""
    from google.auth.exceptions import GoogleAuthError

    exchange = _Exchange(http)
    try:
        credentials.refresh(exchange)  # type: ignore[no-untyped-call]
    except ServiceError as error:
        error.outcome = "not_done"  # the mail request itself was not sent yet
        raise
    except GoogleAuthError as error:
        who = f" for {credentials.account}" if credentials.account else ""
        said = str(error.args[0]) if error.args else "no reason given"
        secrets = [str(credentials.refresh_token), str(credentials.client_secret)]
        said = failures.without_secrets(said, secrets)[:300].rstrip(".")
        raise sign_in_error(
            f"Google refuses to renew the sign-in{who}: {said}.",
            account=str(credentials.account or ""),
            lacks_scope="invalid_scope" in said,
        ) from None
    written: dict[str, Any] = json.loads(credentials.to_json())  # type: ignore[no-untyped-call]
    written["granted_scopes"] = list(credentials.granted_scopes or info.get("scopes") or [])
    return {**info, **written, **end_of(exchange.answer, datetime.now(UTC))}


def end_of(answer: Mapping[str, Any], now: datetime) -> dict[str, str]:
    """Give {sign_in_ends_at} where the token endpoint says how long the refresh token is good from now on, else {}.

    Of apps in Testing it is seven days from the consent
    (https://developers.google.com/identity/protocols/oauth2#expiration).
    """
    seconds = answer.get("refresh_token_expires_in")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds <= 0:
        return {}
    return {"sign_in_ends_at": (now + timedelta(seconds=seconds)).isoformat(timespec="seconds")}


def _require_scopes(info: Mapping[str, Any]) -> None:
    granted, wanted = info.get("granted_scopes"), info.get("scopes") or []
    missing = [scope for scope in wanted if scope not in granted] if isinstance(granted, list) else []
    if missing:
        who = f" of {info['account']}" if info.get("account") else ""
        names = ", ".join(scope.rpartition("/")[2] for scope in missing)
        said = f"Google grants the sign-in{who} less than it needs: {names} is missing."
        raise sign_in_error(said, account=str(info.get("account", "")), lacks_scope=True)


class _Exchange:
    """What google-auth calls to reach the token address; it raises at once what is not for google-auth to decide."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self.answer: Mapping[str, Any] = {}

    def __call__(
        self, url: str, method: str = "GET", body: bytes | None = None, headers: Any = None, **_: object
    ) -> _Exchanged:
        try:
            answer = self._http.request(method, url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise failures.of_broken_connection(SERVICE, error) from error
        if answer.status_code >= 500 or answer.status_code == 429:
            raise failures.of_status(SERVICE, answer.status_code, answer.headers, "the token could not be renewed now")
        with contextlib.suppress(ValueError):
            read = answer.json()
            self.answer = read if isinstance(read, dict) else {}
        return _Exchanged(answer)


class _Exchanged:
    """An answer in the form that google-auth reads."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        self.headers = answer.headers
        self.data = answer.content
