"""What a service tells the code of its sign-in: where to ask, for what, and how to name it to people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import httpx

from clients.errors import AuthError
from clients.service import Service


@dataclass(frozen=True)
class OAuthApp:
    """A service as its sign-in sees it; people bring the id of a public client of their own, which has no secret."""

    service: Service
    at: str
    """Who asks the person: "Microsoft"."""
    authorize_url: str
    token_url: str
    """Both in full; at a stand-in their paths count from `base_url`."""
    scopes: tuple[str, ...]
    needed: tuple[str, ...]
    """The scopes that must be granted, as the token endpoint names them."""
    redirect: str
    """The address that people register, without port if the service takes any."""
    account_of: Callable[[httpx.Client, str, str], str]
    """Asks for the account's name: HTTP client, access token, address of the API."""
    asks_more: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Parameters of the consent page beside those of RFC 6749."""

    @property
    def name(self) -> str:
        """The name of the service."""
        return self.service.name

    @property
    def title(self) -> str:
        """The service as people call it."""
        return self.service.title

    def at_base(self, url: str, base_url: str) -> str:
        """Return an address of the sign-in for the API at `base_url`: a stand-in has its own."""
        if base_url.rstrip("/") == self.service.url:
            return url
        return base_url.rstrip("/") + httpx.URL(url).path

    def sign_in_error(self, message: str, *, account: str = "", lacks_scope: bool = False) -> AuthError:
        """Return the error for a missing or invalid sign-in."""
        remedy = f"Sign in again: `orchestra connections add {self.name} --client-id ID`, or Connect on the dashboard."
        error = AuthError(message, service=self.name, remedy=remedy)
        error.account, error.lacks_scope = account, lacks_scope
        return error

    def lacking(self, granted: str) -> list[str]:
        """Return the needed scopes that a list of granted ones lacks; Microsoft may write them as addresses."""
        names = {one.rpartition("/")[2].lower() for one in granted.split()}
        return [one for one in self.needed if one.lower() not in names]
