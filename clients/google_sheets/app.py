"""Google Sheets as a service of Google that people sign in to, and its SDK."""

from __future__ import annotations

from typing import Any

import httpx

from clients.google.app import GoogleApp
from clients.google.transport import answered, built
from clients.google_sheets.service import GOOGLE_SHEETS
from clients.oauth.app import TokenSource

_USERS_URL = "https://www.googleapis.com"
"""Where Google tells whose token it is: the API of Sheets does not."""


def sdk(http: httpx.Client, tokens: TokenSource, base_url: str) -> Any:
    """Return the SDK of the API."""
    return built("sheets", "v4", http, tokens, base_url).spreadsheets()


def account_of(http: httpx.Client, tokens: TokenSource, base_url: str) -> str:
    """Ask for the address of the account; a stand-in is asked at its own address."""
    users = _USERS_URL if base_url == GOOGLE_SHEETS.url else base_url
    return str(answered(built("oauth2", "v2", http, tokens, users).userinfo().get(), "email")["email"])


SHEETS_APP = GoogleApp(
    service=GOOGLE_SHEETS,
    # Google has no scope for a single spreadsheet that a person names by its address.
    scopes=(
        "https://www.googleapis.com/auth/spreadsheets",
        "https://www.googleapis.com/auth/userinfo.email",
        "openid",
    ),
    account_of=account_of,
    api="Google Sheets API",
    library="sheets.googleapis.com",
    reads="spreadsheets",
)
