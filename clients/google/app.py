"""What a service of Google tells the code that all of them share: its scopes, and how to name it to people."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import field

from clients.google.declaration import TOKEN_URL
from clients.oauth.app import SignInApp


class GoogleApp(SignInApp, frozen=True, kw_only=True):
    """A service of Google as its sign-in sees it (https://developers.google.com/identity/protocols/oauth2/scopes)."""

    at: str = "Google"
    token_url: str = TOKEN_URL
    # `consent` each time: only then does Google issue a new refresh token.
    asks_more: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({"access_type": "offline", "prompt": "consent"})
    )
    brings: str = "--client-secret FILE"
    renewed_with: tuple[str, ...] = ("refresh_token", "client_id", "client_secret")
    api: str
    """Its name in Google's console: "Gmail API"."""
    library: str
    """Its id there: "gmail.googleapis.com"."""
    reads: str
    """What it gives access to, in a word: "mail"."""
    other_way: str = ""
    """How to do without Google's console, in Markdown."""
