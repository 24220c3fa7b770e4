"""Google's SDK over the shared HTTP client, and the address of the mailbox that it opens."""

from __future__ import annotations

from typing import Any

import httpx

from clients.google.transport import answered, built
from clients.oauth.app import TokenSource

_FILES = ("/attachments/", "format=raw")


def users_of(http: httpx.Client, tokens: TokenSource, base_url: str) -> Any:
    """Return the SDK's resource of mailboxes."""
    return built("gmail", "v1", http, tokens, base_url, _FILES).users()


def address_of(users: Any) -> str:
    """Ask for the mailbox's address."""
    return str(answered(users.getProfile(userId="me"), "emailAddress")["emailAddress"])


def account_of(http: httpx.Client, tokens: TokenSource, base_url: str) -> str:
    """Ask for the address of the mailbox that a token opens."""
    return address_of(users_of(http, tokens, base_url))
