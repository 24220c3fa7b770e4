"""Sign-ins by browser: how they are kept, what is known of each, and those that are under way."""

from __future__ import annotations

import logging
import math
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from clients.errors import AuthError, ServiceError
from engine.connections.safe import Safe, sealed_token
from engine.errors import InvalidInput, OrchestraError

TESTING = timedelta(days=7)
"""How long Google takes the sign-in to an app in Testing (https://developers.google.com/identity/protocols/oauth2)."""
_WARNS_BEFORE = timedelta(days=2)
_ADDRESS_SECONDS = 15.0
_LARGEST_FILE_BYTES = 100_000
_LONGEST_QUERY = 10_000
_PASTE = "Paste the whole address of the page that did not open, with `code=` in it."
_log = logging.getLogger(__name__)


class SafeSeal:
    """The safe as a client of a service takes it: what cannot be opened is a sign-in that is not good."""

    def __init__(self, safe: Callable[[], Safe]) -> None:
        self._safe = safe

    def sealed(self, text: str) -> str:
        """Give the sealed text."""
        return _done(lambda: self._safe().sealed(text))

    def opened(self, content: str) -> str:
        """Give what was sealed."""
        return _done(lambda: self._safe().opened(content))

    def is_needed(self, content: str) -> bool:
        """Tell whether this is in clear."""
        return sealed_token(content) is None


def _done(act: Callable[[], str]) -> str:
    try:
        return act()
    except OrchestraError as error:
        raise AuthError(error.message, remedy=error.remedy) from error


@dataclass(frozen=True)
class SignInFacts:
    """What is known of a sign-in without asking anybody; times are RFC 3339."""

    account: str
    owner: str
    scopes: tuple[str, ...]
    consented_at: str = ""
    ends_at: str = ""
    note: str = ""
    """How long it lasts, in words; empty where it does not end by itself."""
    warns: bool = False
    """Whether it is time to sign in again, or to change that."""


def facts(info: Mapping[str, Any], now: datetime) -> SignInFacts:
    """Return what a sign-in file tells; where Google did not say when it ends, seven days may hold."""
    granted = info.get("granted_scopes") or info.get("scopes") or []
    known = SignInFacts(
        account=str(info.get("account", "")),
        owner=str(info.get("owner", "")),
        scopes=tuple(str(scope).rpartition("/")[2] for scope in granted),
        consented_at=str(info.get("consented_at", "")),
    )
    told, consented = _moment(info.get("sign_in_ends_at")), _moment(info.get("consented_at"))
    ends_at = told or (consented + TESTING if consented else None)
    if ends_at is None or (told is None and ends_at < now):
        return known  # it outlived the seven days: the app is not in Testing
    left = ends_at - now
    words = f"Testing mode: {_left(left)}"
    note = f"{words}." if told else f"If Google's console says Testing, it ends by itself: {_left(left)}."
    ends = ends_at.isoformat(timespec="seconds")
    return SignInFacts(**{**vars(known), "ends_at": ends, "note": note, "warns": left < _WARNS_BEFORE})


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _left(left: timedelta) -> str:
    """Say "5 days left", "7 hours left", or "over"."""
    if left <= timedelta(0):
        return "the seven days are over, sign in again"
    days = left / timedelta(days=1)
    if days >= 1:
        return f"{math.floor(days)} day{'s' * (days >= 2)} left"
    hours = max(1, math.floor(left / timedelta(hours=1)))
    return f"{hours} hour{'s' * (hours > 1)} left"


@dataclass
class SignIn:
    """One sign-in that is under way, or has ended: with an error, or well."""

    address: str = ""
    """Where the person signs in."""
    error: OrchestraError | ServiceError | None = None
    ended: threading.Event = field(default_factory=threading.Event, repr=False)
    addressed: threading.Event = field(default_factory=threading.Event, repr=False)

    def opened(self, address: str) -> None:
        """Take the address at which the person signs in."""
        self.address = address
        self.addressed.set()

    def bring_back(self, pasted: str) -> None:
        """Hand on the address at which a browser on another machine ended: it could not come back by itself.

        Only its query counts; where it goes was decided when the sign-in began. Raises InvalidInput.
        """
        import httpx

        query = _query(pasted)
        redirect = parse_qs(urlsplit(self.address).query).get("redirect_uri", [""])[0]
        if not query or not redirect or self.ended.is_set():
            raise InvalidInput("This is no address that a sign-in under way ended at.", remedy=_PASTE)
        try:
            answer = httpx.get(f"{redirect}?{query}", timeout=_ADDRESS_SECONDS, trust_env=False)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise InvalidInput("The sign-in does not wait any more.", remedy="Begin it again.") from error
        if answer.status_code != 200:
            raise InvalidInput("This address is of another sign-in.", remedy=_PASTE)

    @property
    def state(self) -> str:
        """`waiting`, `done` or `failed`."""
        if not self.ended.is_set():
            return "waiting"
        return "done" if self.error is None else "failed"


def _query(pasted: str) -> str:
    """Return what stands behind the `?` of an address; empty for what is none. Our own program reads it again."""
    try:
        found = urlsplit(pasted.strip()).query
    except ValueError:
        return ""
    return found if found.isascii() and found.isprintable() and len(found) <= _LONGEST_QUERY else ""


class SignIns:
    """Those under way in this process, the newest of each connection; each waits in a thread of its own."""

    def __init__(self) -> None:
        self._begun: dict[str, SignIn] = {}

    def begin(self, name: str, client_secret: bytes, work: Callable[[Path, Callable[[str], None]], object]) -> SignIn:
        """Start one; return it once its address is known. `work(file, opened)` signs in. Raises what it raises so far.

        `client_secret` is the content of Google's file; it lies in a file, for its owner only, as long as it is needed.
        """
        if len(client_secret) > _LARGEST_FILE_BYTES:
            raise InvalidInput(
                "This file is too big for a client secret.", remedy="Take the JSON file of Google's console."
            )
        sign_in = SignIn()
        threading.Thread(target=_wait, args=(client_secret, work, sign_in), name="sign-in", daemon=True).start()
        sign_in.addressed.wait(_ADDRESS_SECONDS)
        if sign_in.error is not None:
            raise sign_in.error
        self._begun[name] = sign_in
        return sign_in

    def of(self, name: str) -> SignIn | None:
        """Return the newest one of a connection."""
        return self._begun.get(name)


def _wait(content: bytes, work: Callable[[Path, Callable[[str], None]], object], sign_in: SignIn) -> None:
    try:
        with tempfile.TemporaryDirectory() as folder:  # for its owner only
            file = Path(folder) / "client_secret.json"
            file.write_bytes(content)
            work(file, sign_in.opened)
    except (OrchestraError, ServiceError) as error:
        sign_in.error = error
    except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
        _log.exception("a sign-in broke down")
        sign_in.error = OrchestraError(
            f"The sign-in broke down ({type(error).__name__}).", remedy="The server's own log has the details."
        )
    finally:
        sign_in.ended.set()
        sign_in.addressed.set()
