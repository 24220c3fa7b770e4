"""Google's SDK over the shared HTTP client, and the address of the mailbox that it opens."""

from __future__ import annotations

from typing import Any

import httpx

from clients.gmail.tokens import Tokens
from clients.gmail.transport import GoogleHttp, answered


def users_of(http: httpx.Client, tokens: Tokens, base_url: str) -> Any:
    """Return the SDK's resource of mailboxes; built from the API description in its package, without a request."""
    from googleapiclient.discovery import build as build_service

    return build_service(
        "gmail",
        "v1",
        http=GoogleHttp(http, tokens),
        client_options={"api_endpoint": base_url},
        cache_discovery=False,
        static_discovery=True,
    ).users()


def address_of(users: Any) -> str:
    """Ask for the mailbox's address."""
    return str(answered(users.getProfile(userId="me"), "emailAddress")["emailAddress"])
