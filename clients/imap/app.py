"""A mailbox at Google or Microsoft whose owner signs in with a browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clients.google.app import GoogleApp
from clients.google.sign_in import GoogleSignIn
from clients.imap.service import IMAP
from clients.mail_server.providers import signs_in_at
from clients.microsoft.app import microsoft_app, sign_in_to
from clients.oauth.app import OAuthApp, SignInApp
from clients.sign_in import SignInWay

_MICROSOFT_SCOPES = ("https://outlook.office.com/IMAP.AccessAsUser.All", "https://outlook.office.com/SMTP.Send")
_PERMISSIONS = "`IMAP.AccessAsUser.All`, `SMTP.Send` and `offline_access`"


def app_of(settings: Mapping[str, Any]) -> SignInApp | None:
    """Return the mailbox as its sign-in sees it; None if its provider has no such sign-in.

    The tokens of these scopes do not tell whose they are: the account is the address of the connection, and the mail
    server lets nobody else in.
    """
    address, host = (str(settings.get(name) or "").strip() for name in ("address", "host"))
    at = signs_in_at(address, host)
    if at == "Google":
        return GoogleApp(
            service=IMAP,
            scopes=("https://mail.google.com/",),
            account_of=lambda *_: address,
            api="Gmail API",
            library="gmail.googleapis.com",
            reads="mail",
        )
    return microsoft_app(IMAP, _MICROSOFT_SCOPES, lambda *_: address) if at == "Microsoft" else None


def sign_in_of(settings: Mapping[str, Any]) -> SignInWay | None:
    """Return how the owner of a mailbox signs in; None if the provider has no such sign-in."""
    app = app_of(settings)
    if isinstance(app, GoogleApp):
        return GoogleSignIn(app)
    return sign_in_to(app, _PERMISSIONS) if isinstance(app, OAuthApp) else None
