"""Outlook as a service that people sign in to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from clients.errors import BadAnswer
from clients.listing import Json
from clients.microsoft.app import microsoft_app, sign_in_to
from clients.microsoft.graph import Graph
from clients.oauth.app import OAuthApp, TokenSource
from clients.oauth.sign_in import PublicClientSignIn
from clients.outlook.service import OUTLOOK
from clients.sign_in import SignInWay

SCOPES = ("User.Read", "Mail.ReadWrite", "Mail.Send")
"""The narrowest that tell whose mailbox it is, read and sort it, write drafts, and send."""
SHARED_SCOPES = (*SCOPES, "Mail.ReadWrite.Shared", "Mail.Send.Shared")
"""Those for the mailbox of somebody else; personal accounts do not have them."""


def address_of(me: Json) -> str:
    """Return the address of the account that is signed in; `mail` is null for some."""
    found = me.get("mail") or me.get("userPrincipalName")
    if not isinstance(found, str) or not found:
        raise BadAnswer("Outlook does not say whose mailbox this is.", service=OUTLOOK.name)
    return found


def _account_of(http: httpx.Client, tokens: TokenSource, base_url: str) -> str:
    graph = Graph(http, tokens, base_url)
    return address_of(graph.get(f"{graph.url}/me"))


OWN_APP = microsoft_app(OUTLOOK, SCOPES, _account_of)
SHARED_APP = microsoft_app(OUTLOOK, SHARED_SCOPES, _account_of)
_PERMISSIONS = "`User.Read`, `Mail.ReadWrite`, `Mail.Send` and `offline_access`"
_MORE = """
**A shared mailbox**: add `Mail.ReadWrite.Shared` and `Mail.Send.Shared` to the permissions, write `mailbox: ADDRESS`
into the connection in `config.yaml`, then sign in. Its owner or an administrator has to give you *full access* and
*send as*. Only work and school accounts have such mailboxes.
"""


def app_for(mailbox: str) -> OAuthApp:
    """Return the app for one's own mailbox (""), or for somebody else's."""
    return SHARED_APP if mailbox else OWN_APP


class OutlookSignIn(PublicClientSignIn):
    """Asks for more where the connection is for a mailbox of somebody else."""

    def for_settings(self, settings: Mapping[str, Any]) -> SignInWay:
        """Return the sign-in for a connection with these settings."""
        return _SHARED if settings.get("mailbox") else self


def _way(app: OAuthApp) -> OutlookSignIn:
    plain = sign_in_to(app, _PERMISSIONS, _MORE)
    return OutlookSignIn(app, plain.guide, plain.more, plain.id_label)


SIGN_IN = _way(OWN_APP)
_SHARED = _way(SHARED_APP)
