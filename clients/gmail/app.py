"""Gmail as a service of Google that people sign in to, and the mailbox that a sign-in opens."""

from __future__ import annotations

from typing import Any

import httpx

from clients.gmail.service import GMAIL
from clients.google.app import GoogleApp
from clients.google.transport import answered, built
from clients.oauth.app import TokenSource

SCOPES = ("https://www.googleapis.com/auth/gmail.modify",)
"""The narrowest scope that allows reading, labels, drafts and sending; it cannot delete mail permanently.

(Gmail's API description lists `gmail.modify` for each method used here; `gmail.compose` would add nothing.)
"""

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


GMAIL_APP = GoogleApp(
    service=GMAIL,
    scopes=SCOPES,
    account_of=account_of,
    api="Gmail API",
    library="gmail.googleapis.com",
    reads="mail",
    other_way="""
**No console at all**: *Add a connection*, *Mailbox (IMAP)*, with an app password of your Google account. It needs
2-step verification, gives anyone who has it access to the whole mailbox, and a Workspace may forbid it.
""",
)
