"""What the declarations of Microsoft's services have in common."""

from __future__ import annotations

from clients.reads import ReadRequest
from clients.service import AccountKey

URL = "https://graph.microsoft.com"
PORTAL = "https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade"
SIGN_IN_SERVER = "https://login.microsoftonline.com"
TOKEN_PATH = "/common/oauth2/v2.0/token"  # noqa: S105 - an address
RENEWAL = (ReadRequest("POST", TOKEN_PATH), ReadRequest("POST", TOKEN_PATH, SIGN_IN_SERVER))
"""Renews the token of a sign-in, at Microsoft or a stand-in."""


def token_key(variable: str) -> AccountKey:
    """Return the key of a service: an access token, which the environment variable may hold."""
    return AccountKey(setting="token", variable=variable, place="Microsoft Entra, App registrations", url=PORTAL)
