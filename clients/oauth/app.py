"""What a service tells the code of its sign-in: where to ask, for what, and how to name it to people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol

import httpx
from msgspec import Struct, field

from clients.errors import AuthError
from clients.service import Service


class TokenSource(Protocol):
    """Provides a client's access tokens."""

    @property
    def app(self) -> SignInApp:
        """The service that they are for."""

    def current(self) -> str:
        """Return a token that should be valid; raises AuthError, or any ServiceError if renewing it fails."""

    def renewed(self, refused: str) -> str | None:
        """Return another token after this one was rejected, or None if there is no other."""

    def owner(self) -> str:
        """Return the account's name if it is known without a request; otherwise ""."""

    def version(self) -> str | None:
        """Return a value that changes with each sign-in, or None for a fixed token."""


class SignInApp(Struct, frozen=True, kw_only=True):
    """A service as its sign-in sees it."""

    service: Service
    at: str
    """Who asks the person: "Microsoft"."""
    token_url: str
    """In full; at a stand-in its path counts from `base_url`."""
    scopes: tuple[str, ...]
    needed: tuple[str, ...] = ()
    """The scopes that must be granted, as the token endpoint names them; empty: all."""
    account_of: Callable[[httpx.Client, TokenSource, str], str]
    """Asks for the account's name; the last argument is the address of the API."""
    asks_more: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Parameters of the consent page that RFC 6749 does not have."""
    brings: str = "--client-id ID"
    """What a person gives to sign in, as an option of `orchestra connections add`."""
    renewed_with: tuple[str, ...] = ("refresh_token", "client_id")
    """The members of a sign-in file that renew its token."""

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
        return f"Sign in again: `orchestra connections add {self.name} {self.brings}`, or Connect on the dashboard."

    def at_base(self, url: str, base_url: str) -> str:
        """Return an address of the sign-in for the API at `base_url`: a stand-in has its own."""
        if base_url.rstrip("/") == self.service.url:
            return url
        return base_url.rstrip("/") + httpx.URL(url).path

    def sign_in_error(self, message: str, *, account: str = "", lacks_scope: bool = False) -> AuthError:
        """Return the error for a missing or invalid sign-in."""
        error = AuthError(message, service=self.name, remedy=self.sign_in_again)
        error.account, error.lacks_scope = account, lacks_scope
        return error

    def lacking(self, granted: str) -> list[str]:
        """Return the last parts of needed scopes that are not granted; Microsoft may write them as addresses."""
        names = {_last_part(one).lower() for one in granted.split()}
        return [one for one in map(_last_part, self.needed or self.scopes) if one.lower() not in names]


class OAuthApp(SignInApp, frozen=True, kw_only=True):
    """A service where people register a public client of their own, which has no secret."""

    authorize_url: str
    """In full; at a stand-in its path counts from `base_url`."""
    redirect: str
    """The address that people register, without port if the service takes any."""


def _last_part(scope: str) -> str:
    return scope.rpartition("/")[2]
