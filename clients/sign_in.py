"""The interface of a sign-in with a browser, for services that give no key to copy."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from clients.errors import InvalidRequest


class WrongFile(InvalidRequest):
    """A person brought the wrong file for a sign-in."""


class Seal(Protocol):
    """Encrypts a sign-in at rest; both directions raise AuthError on failure."""

    def sealed(self, text: str) -> str:
        """Return the file content for a text."""

    def opened(self, content: str) -> str:
        """Return the original text; plain text is returned unchanged."""

    def is_needed(self, content: str) -> bool:
        """Return whether a file's content is plain text but should be encrypted."""

    def place(self, path: Path) -> SignInKeeper | None:
        """Return where the sign-in of a file is kept instead; None: in the file."""


class SignInKeeper(Protocol):
    """Keeps the sealed text of a sign-in, for all processes that share it. Everything may raise Unavailable."""

    def content(self) -> str:
        """Return the text. Raises FileNotFoundError, or another OSError."""

    def put(self, content: str) -> None:
        """Replace the text; it is durable once this returns. Raises OSError."""

    def version(self) -> str | None:
        """Return a value that changes when the text is replaced; None without a text."""

    def locked(self) -> AbstractContextManager[None]:
        """Hold the lock of the sign-in across processes. Raises Timeout."""


class StoredSignIn(Protocol):
    """The file of a sign-in; hold `locked()` around a read followed by a save."""

    def read(self) -> dict[str, Any]:
        """Return the content. Raises AuthError if it is missing, or cannot be read."""

    def save(self, info: Mapping[str, Any]) -> None:
        """Write the file atomically. Raises Unavailable."""

    def locked(self) -> AbstractContextManager[None]:
        """Hold the file's lock across processes."""


@dataclass(frozen=True)
class SignedIn:
    """The result of a sign-in: the account's name, and the content of its sign-in file."""

    account: str
    info: dict[str, Any] = field(repr=False)


class SignInFacts(Struct, frozen=True):
    """Facts about a sign-in that are known without asking the service; times are RFC 3339."""

    account: str
    owner: str
    scopes: tuple[str, ...]
    consented_at: str = ""
    ends_at: str = ""
    note: str = ""
    """How long it remains valid, in words; empty if it does not expire."""
    warns: bool = False
    """Whether it is time to sign in again, or to lift the limit."""
    lacks: str = ""
    """What the settings of the connection need that was not granted, as a sentence; empty: nothing."""


def client_id_content(client_id: str) -> bytes:
    """Return the content of the client file for a sign-in where people bring only a client id."""
    return json.dumps({"client_id": client_id.strip()}).encode()


class SignInWay(ABC):
    """How people sign in to a service. The connection's setting `token_file` names the file of the sign-in."""

    at: str
    """Who asks the person: "Google"."""
    file_remedy: str
    """How to get the file that the person has to bring."""
    id_label: str = ""
    """What a person brings instead of a file, as the service calls it: "App key". The file is then JSON {client_id}."""
    guide: str
    """The way there, step by step, in Markdown."""
    more: tuple[str, str]
    """A question that people ask about it, and the answer in Markdown."""

    def for_settings(self, settings: Mapping[str, Any]) -> SignInWay:
        """Return the sign-in for a connection with these settings, which may need more access."""
        del settings
        return self

    @abstractmethod
    def sign_in(self, file: Path, open_browser: Callable[[str], object], base_url: str) -> SignedIn:
        """Let a person sign in; writes nothing. `open_browser` gets the address to open, `base_url` is the API's.

        Raises WrongFile, AuthError (refused) and Timeout.
        """

    @abstractmethod
    def stored(self, path: Path, seal: Seal | None) -> StoredSignIn:
        """Return a sign-in file; None: it is kept in plain text."""

    @abstractmethod
    def facts(self, info: Mapping[str, Any], now: datetime) -> SignInFacts:
        """Return the facts in the content of a sign-in file."""
