"""Gmail as a service of Google that people sign in to, and the mailbox that a sign-in opens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
from msgspec.structs import replace

from clients.error_mapping import reading
from clients.gmail.service import GMAIL
from clients.google.app import GoogleApp
from clients.google.sign_in import GoogleSignIn
from clients.google.transport import answered, built
from clients.listing import Json
from clients.mail.identities import SendAs
from clients.oauth.app import TokenSource
from clients.sign_in import SignInWay

SCOPES = ("https://www.googleapis.com/auth/gmail.modify",)
"""The narrowest scope that allows reading, labels, drafts and sending; it cannot delete mail permanently.

(Gmail's API description lists `gmail.modify` for each method used here; `gmail.compose` would add nothing.)
"""
PUSH_SCOPE = "https://www.googleapis.com/auth/pubsub"
"""The narrowest scope that allows `projects.subscriptions.pull` of Cloud Pub/Sub."""

_FILES = ("/attachments/", "format=raw")


def users_of(http: httpx.Client, tokens: TokenSource, base_url: str) -> Any:
    """Return the SDK's resource of mailboxes."""
    return built("gmail", "v1", http, tokens, base_url, _FILES).users()


def address_of(users: Any) -> str:
    """Ask for the mailbox's address."""
    return str(answered(users.getProfile(userId="me"), "emailAddress")["emailAddress"])


def send_as_of(users: Any) -> list[SendAs]:
    """Return the addresses from which a mailbox may send, its own one first; not those that nobody has verified."""
    found = answered(users.settings().sendAs().list(userId="me")).get("sendAs") or []
    with reading(GMAIL):
        # Only an address that was added by hand has a status.
        usable = [one for one in found if one.get("verificationStatus", "accepted") == "accepted"]
        return [_send_as(one) for one in sorted(usable, key=lambda one: not one.get("isPrimary"))]


def _send_as(told: Json) -> SendAs:
    name, signature = str(told.get("displayName", "")), str(told.get("signature", ""))
    return SendAs(str(told["sendAsEmail"]), name, signature, is_html=True)


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
_WITH_PUSH = replace(GMAIL_APP, scopes=(*SCOPES, PUSH_SCOPE))


class GmailSignIn(GoogleSignIn):
    """Asks for more where Gmail is to report new mail at once."""

    def for_settings(self, settings: Mapping[str, Any]) -> SignInWay:
        """Return the sign-in for a connection with these settings."""
        return _SIGN_IN_WITH_PUSH if settings.get("push_subscription") else self


SIGN_IN = GmailSignIn(GMAIL_APP)
_SIGN_IN_WITH_PUSH = GmailSignIn(_WITH_PUSH)
