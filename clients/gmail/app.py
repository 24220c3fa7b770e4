"""Gmail as a service of Google that people sign in to."""

from __future__ import annotations

from clients.gmail.profile import account_of
from clients.gmail.service import GMAIL
from clients.google.app import GoogleApp

SCOPES = ("https://www.googleapis.com/auth/gmail.modify",)
"""The narrowest scope that allows reading, labels, drafts and sending; it cannot delete mail permanently.

(Gmail's API description lists `gmail.modify` for each method used here; `gmail.compose` would add nothing.)
"""

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
