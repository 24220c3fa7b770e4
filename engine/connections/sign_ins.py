"""Sign-ins by browser: how they are sealed, and the ones in progress."""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from clients.errors import AuthError, ServiceError, Timeout, Unavailable
from engine.base.errors import InUse, InvalidInput, OrchestraError, StorageError
from engine.secrets.vault import Vault, sealed_token
from engine.store.texts.texts import TextStore

_ADDRESS_SECONDS = 15.0
_LARGEST_FILE_BYTES = 100_000
_LONGEST_QUERY = 10_000  # characters
_PASTE = "Paste the whole address of the page that did not open, with `code=` in it."
_log = logging.getLogger(__name__)


class VaultSeal:
    """The vault as a service's client sees it: a secret that cannot be opened counts as an invalid sign-in."""

    def __init__(self, vault: Callable[[], Vault]) -> None:
        self._vault = vault

    def sealed(self, text: str) -> str:
        """Return the sealed text."""
        return _done(lambda: self._vault().sealed(text))

    def opened(self, content: str) -> str:
        """Return the text that was sealed."""
        return _done(lambda: self._vault().opened(content))

    def is_needed(self, content: str) -> bool:
        """Return whether the content is not sealed."""
        return sealed_token(content) is None

    def place(self, path: Path) -> SharedPlace | None:
        """Return the place in the state on a server, where all machines share secrets."""
        vault = self._vault()
        name = vault.text_of(path)
        return None if name is None else SharedPlace(vault.texts, name)


class SharedPlace:
    """A sign-in in the state on a server: one process of all machines renews it, the others read what it has saved."""

    def __init__(self, texts: TextStore, name: str) -> None:
        self._texts, self._name = texts, name

    def content(self) -> str:
        """Return the text. Raises FileNotFoundError, Unavailable."""
        with _unavailable():
            found = self._texts.get(self._name)
        if found is None:
            raise FileNotFoundError(self._name)
        return found

    def put(self, content: str) -> None:
        """Replace the text. Raises Unavailable."""
        with _unavailable():
            self._texts.put(self._name, content)

    def version(self) -> str | None:
        """Return the mark of the text. Raises Unavailable."""
        with _unavailable():
            return self._texts.mark(self._name)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the text. Raises Timeout, Unavailable."""
        with ExitStack() as held:
            try:
                with _unavailable():
                    held.enter_context(self._texts.locked(self._name))
            except InUse as error:
                raise Timeout(error.message, remedy=error.remedy, outcome="not_done") from error
            yield


@contextmanager
def _unavailable() -> Iterator[None]:
    """Turn the errors of the state into one after which callers repeat a call."""
    try:
        yield
    except StorageError as error:
        raise Unavailable(error.message, remedy=error.remedy, outcome="not_done") from error


def _done(act: Callable[[], str]) -> str:
    try:
        return act()
    except OrchestraError as error:
        raise AuthError(error.message, remedy=error.remedy) from error


@dataclass
class SignIn:
    """A sign-in in progress, or ended with success or an error."""

    address: str = ""
    """The address at which the person signs in."""
    error: OrchestraError | ServiceError | None = None
    ended: threading.Event = field(default_factory=threading.Event, repr=False)
    addressed: threading.Event = field(default_factory=threading.Event, repr=False)

    def opened(self, address: str) -> None:
        """Set the address at which the person signs in."""
        self.address = address
        self.addressed.set()

    def bring_back(self, pasted: str) -> None:
        """Finish the sign-in with the address where another machine's browser ended, as it could not return by itself.

        Only the query is used; the target was fixed when the sign-in began. Raises InvalidInput.
        """
        import httpx

        query = _query(pasted)
        redirect = parse_qs(urlsplit(self.address).query).get("redirect_uri", [""])[0]
        if not query or not redirect or self.ended.is_set():
            raise InvalidInput("No sign-in in progress ended at this address.", remedy=_PASTE)
        try:
            # Our own sign-in listens there, on this machine: a proxy of the environment could not reach it.
            answer = httpx.get(f"{redirect}?{query}", timeout=_ADDRESS_SECONDS, trust_env=False)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise InvalidInput("The sign-in is no longer waiting.", remedy="Start it again.") from error
        if answer.status_code != 200:
            raise InvalidInput("This address belongs to another sign-in.", remedy=_PASTE)

    @property
    def state(self) -> str:
        """`waiting`, `done` or `failed`."""
        if not self.ended.is_set():
            return "waiting"
        return "done" if self.error is None else "failed"


def _query(pasted: str) -> str:
    """Return the query of an address; empty if it is not an address. Our own program parses it again."""
    try:
        found = urlsplit(pasted.strip()).query
    except ValueError:
        return ""
    return found if found.isascii() and found.isprintable() and len(found) <= _LONGEST_QUERY else ""


class SignIns:
    """The sign-ins in progress in this process, the latest of each connection; each waits in its own thread."""

    def __init__(self) -> None:
        self._begun: dict[str, SignIn] = {}

    def begin(
        self, name: str, content: bytes, remedy: str, work: Callable[[Path, Callable[[str], None]], object]
    ) -> SignIn:
        """Start a sign-in and return it once its address is known; `work(file, opened)` signs in and may raise.

        `content` is what a person brings for it; it is kept in a private file for as long as it is needed. `remedy`
        says how to get that file.
        """
        if len(content) > _LARGEST_FILE_BYTES:
            raise InvalidInput("This file is too big for a client secret.", remedy=remedy)
        sign_in = SignIn()
        threading.Thread(target=_wait, args=(content, work, sign_in), name="sign-in", daemon=True).start()
        sign_in.addressed.wait(_ADDRESS_SECONDS)
        if sign_in.error is not None:
            raise sign_in.error
        self._begun[name] = sign_in
        return sign_in

    def of(self, name: str) -> SignIn | None:
        """Return the latest sign-in of a connection."""
        return self._begun.get(name)


def _wait(content: bytes, work: Callable[[Path, Callable[[str], None]], object], sign_in: SignIn) -> None:
    try:
        with tempfile.TemporaryDirectory() as folder:  # a private folder
            file = Path(folder) / "client_secret.json"
            file.write_bytes(content)
            work(file, sign_in.opened)
    except (OrchestraError, ServiceError) as error:
        sign_in.error = error
    except Exception as error:  # noqa: BLE001 - the waiting thread must receive the error
        _log.exception("a sign-in failed unexpectedly")
        sign_in.error = OrchestraError(
            f"The sign-in failed unexpectedly ({type(error).__name__}).", remedy="The server's own log has the details."
        )
    finally:
        sign_in.ended.set()
        sign_in.addressed.set()
