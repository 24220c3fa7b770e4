"""Gmail's access tokens: a fixed one, or those of a sign-in file, renewed once for all processes that share it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from clients import failures
from clients.errors import AuthError, ServiceError, Timeout

if TYPE_CHECKING:
    from google.oauth2.credentials import Credentials

SERVICE = "gmail"
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
SIGN_IN_AGAIN = "Sign in again: `orchestra connections add gmail --client-secret FILE`, or Connect on the dashboard."
_LOCK_SECONDS = 30.0


class Tokens(Protocol):
    """Where a Gmail client takes its access tokens from."""

    def current(self) -> str:
        """Give a token that should be good; raises AuthError and, where it must be renewed, any ServiceError."""

    def renewed(self, refused: str) -> str | None:
        """Give another token after this one was refused; None where there is no other."""

    def owner(self) -> str:
        """Give the address of the account where it is known without asking, else ""."""


class FixedToken:
    """One access token that nobody renews; an empty one means that nobody has signed in yet."""

    def __init__(self, token: str) -> None:
        self._token = token

    def current(self) -> str:
        """Give the token; raises AuthError where there is none."""
        if not self._token:
            raise _refused("Nobody has signed in to Gmail yet.")
        return self._token

    def renewed(self, refused: str) -> str | None:
        """Give nothing: there is no other."""
        return None

    def owner(self) -> str:
        """Give nothing: a bare token names nobody."""
        return ""


class TokenFile:
    """The sign-in file (Google's authorised-user JSON). Threads and processes may share it."""

    def __init__(self, path: Path, http: httpx.Client) -> None:
        self._path = path
        self._http = http
        self._lock = threading.Lock()
        self._credentials: Credentials | None = None
        self._read_at: tuple[int, int] | None = None

    def current(self) -> str:
        """Give the token of the file, renewed first where it has run out; a new sign-in is noticed at once."""
        with self._lock:
            known = self._credentials
            if known is not None and known.valid and self._read_at == _version(self._path):
                return str(known.token)
        return self._renew("")

    def renewed(self, refused: str) -> str | None:
        """Give a token other than the refused one: another process may have renewed it already."""
        return self._renew(refused)

    def owner(self) -> str:
        """Give the address that was noted at sign-in."""
        try:
            return str(read_file(self._path).get("account", ""))
        except AuthError:
            return ""

    def _renew(self, refused: str) -> str:
        with self._lock, locked(self._path):
            credentials = _credentials(read_file(self._path), self._path)
            if not credentials.valid or credentials.token == refused:
                _refresh(credentials, self._http)
                # Saved before use: Google may take the old one back as soon as it gives a new one.
                save_file(self._path, json.loads(credentials.to_json()))  # type: ignore[no-untyped-call]
            self._credentials, self._read_at = credentials, _version(self._path)
            return str(credentials.token)


def _version(path: Path) -> tuple[int, int] | None:
    """Give what changes when the file is replaced; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def tokens_of(token: str, token_file: Path | None, http: httpx.Client) -> Tokens:
    """Give the source of tokens that a connection's settings name; a token itself wins."""
    if token or token_file is None:
        return FixedToken(token)
    return TokenFile(token_file.expanduser(), http)


def read_file(path: Path) -> dict[str, Any]:
    """Read a sign-in file; raises AuthError where it is absent or not one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _refused(f"Nobody has signed in to Gmail yet: {path} does not exist.") from None
    except (OSError, ValueError) as error:
        raise _refused(f"The Gmail sign-in file {path} cannot be read: {type(error).__name__}.") from None
    if not isinstance(found, dict):
        raise _refused(f"{path} is not a Gmail sign-in file.")
    return found


def save_file(path: Path, info: Mapping[str, Any]) -> None:
    """Write a sign-in file whole or not at all, readable by its owner only (0600)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(json.dumps(dict(info), indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _credentials(info: Mapping[str, Any], path: Path) -> Credentials:
    from google.oauth2.credentials import Credentials

    missing = [key for key in ("refresh_token", "client_id", "client_secret") if not info.get(key)]
    if missing:
        raise _refused(f"{path} is not a Gmail sign-in file: it lacks {', '.join(missing)}.")
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


def _refresh(credentials: Credentials, http: httpx.Client) -> None:
    from google.auth.exceptions import GoogleAuthError

    try:
        credentials.refresh(_Exchange(http))  # type: ignore[no-untyped-call]
    except ServiceError as error:
        error.outcome = "not_done"  # the mail request itself was not sent yet
        raise
    except GoogleAuthError as error:
        who = f" for {credentials.account}" if credentials.account else ""
        said = str(error.args[0]) if error.args else "no reason given"
        secrets = [str(credentials.refresh_token), str(credentials.client_secret)]
        said = failures.without_secrets(said, secrets)[:300]
        raise _refused(f"Google refuses to renew the sign-in{who}: {said}.") from None


class _Exchange:
    """What google-auth calls to reach the token address; it raises at once what is not for google-auth to decide."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def __call__(
        self, url: str, method: str = "GET", body: bytes | None = None, headers: Any = None, **_: object
    ) -> _Exchanged:
        try:
            answer = self._http.request(method, url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise failures.of_broken_connection(SERVICE, error) from error
        if answer.status_code >= 500 or answer.status_code == 429:
            raise failures.of_status(SERVICE, answer.status_code, answer.headers, "the token could not be renewed now")
        return _Exchanged(answer)


class _Exchanged:
    """An answer in the form that google-auth reads."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        self.headers = answer.headers
        self.data = answer.content


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the file's lock over all processes: of many workers one renews, the others read what it saved."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _wait_for(descriptor)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int) -> None:
    give_up_at = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up_at:
                raise Timeout(
                    "Another process has been renewing the Gmail sign-in for 30 seconds.",
                    service=SERVICE,
                    outcome="not_done",
                ) from None
            time.sleep(0.02)
        else:
            return


def _refused(message: str) -> AuthError:
    return AuthError(message, service=SERVICE, remedy=SIGN_IN_AGAIN)
