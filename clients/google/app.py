"""What a service of Google tells the code that all of them share: its scopes, and how to name it to people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import httpx

from clients.errors import AuthError
from clients.service import Service


class Tokens(Protocol):
    """Provides a client's access tokens."""

    @property
    def app(self) -> GoogleApp:
        """The service that they are for."""

    def current(self) -> str:
        """Return a token that should be valid; raises AuthError, or any ServiceError if renewing it fails."""

    def renewed(self, refused: str) -> str | None:
        """Return another token after this one was rejected, or None if there is no other."""

    def owner(self) -> str:
        """Return the account's address if it is known without a request, else ""."""

    def version(self) -> tuple[int, int] | None:
        """Return a value that changes with each sign-in, or None for a fixed token."""


@dataclass(frozen=True)
class GoogleApp:
    """A service of Google as its sign-in sees it."""

    service: Service
    scopes: tuple[str, ...]
    """What people are asked to allow (https://developers.google.com/identity/protocols/oauth2/scopes)."""
    account_of: Callable[[httpx.Client, Tokens, str], str]
    """Asks for the address of the account; the last argument is the address of the API."""
    api: str
    """Its name in Google's console: "Gmail API"."""
    library: str
    """Its id there: "gmail.googleapis.com"."""
    reads: str
    """What it gives access to, in a word: "mail"."""
    other_way: str = ""
    """How to do without Google's console, in Markdown."""
    files: tuple[str, ...] = ()
    """What the address of a request has whose answer may be as large as a file."""

    @property
    def name(self) -> str:
        """The name of the service."""
        return self.service.name

    @property
    def title(self) -> str:
        """The service as people call it."""
        return self.service.title

    @property
    def sign_in_again(self) -> str:
        """What to do about a sign-in that is refused."""
        return (
            f"Sign in again: `orchestra connections add {self.name} --client-secret FILE`, or Connect on the dashboard."
        )

    def sign_in_error(self, message: str, *, account: str = "", lacks_scope: bool = False) -> AuthError:
        """Return the error for a missing or invalid sign-in."""
        error = AuthError(message, service=self.name, remedy=self.sign_in_again)
        error.account, error.lacks_scope = account, lacks_scope
        return error
