"""What the declarations of Google's services have in common."""

from __future__ import annotations

from clients.reads import ReadRequest
from clients.service import AccountKey

_TOKEN_SERVER = "https://oauth2.googleapis.com"  # noqa: S105 - an address
TOKEN_URL = f"{_TOKEN_SERVER}/token"
RENEWAL = (ReadRequest("POST", "/token"), ReadRequest("POST", "/token", _TOKEN_SERVER))
"""Renews the token of a sign-in, at the address in its file: Google's, or a stand-in's."""


def token_key(variable: str) -> AccountKey:
    """Return the key of a service: an access token, which the environment variable may hold."""
    return AccountKey(
        setting="token",
        variable=variable,
        place="Google Cloud, APIs and services, Credentials",
        url="https://console.cloud.google.com/apis/credentials",
    )
