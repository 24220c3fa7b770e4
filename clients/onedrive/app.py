"""OneDrive as a service that people sign in to (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow)."""

from __future__ import annotations

import httpx

from clients.errors import BadAnswer
from clients.listing import Json
from clients.oauth.api import OAuthApi
from clients.oauth.app import OAuthApp, TokenSource
from clients.oauth.sign_in import PublicClientSignIn
from clients.onedrive.refusals import refusal
from clients.onedrive.service import ONEDRIVE

SCOPES = ("offline_access", "Files.ReadWrite")
REDIRECT = "http://localhost"
"""Microsoft accepts any port of it (RFC 8252 7.3)."""


def owner_of(drive: Json) -> str:
    """Return whose drive it is: the address if Microsoft gives it, or the name."""
    try:
        user = (drive.get("owner") or {}).get("user") or {}
        name = user.get("email") or user.get("displayName")
    except AttributeError:
        name = None
    if not name:
        raise BadAnswer("OneDrive does not say whose files these are.", service=ONEDRIVE.name)
    return str(name)


def _account_of(http: httpx.Client, tokens: TokenSource, base_url: str) -> str:
    return owner_of(OAuthApi(http, tokens, refusal).asked("GET", f"{base_url}/v1.0/me/drive"))


ONEDRIVE_APP = OAuthApp(
    service=ONEDRIVE,
    at="Microsoft",
    authorize_url="https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
    token_url="https://login.microsoftonline.com/common/oauth2/v2.0/token",  # noqa: S106 - an address
    scopes=SCOPES,
    needed=SCOPES[1:],  # offline_access shows by its refresh token alone
    redirect=REDIRECT,
    account_of=_account_of,
    asks_more={"prompt": "select_account"},  # otherwise the browser's account is taken without a question
)
_PORTAL = "https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade"
_GUIDE = f"""
Microsoft asks each installation for an app of its own. This takes five minutes, once, and is free.

1. [App registrations]({_PORTAL}): *New registration*, any name, *Accounts in any organizational directory and personal
   Microsoft accounts*.
2. *Redirect URI*: platform **Public client/native (mobile & desktop)**, `{REDIRECT}`, without a port. *Register*.
3. *API permissions*, *Add a permission*, *Microsoft Graph*, *Delegated permissions*: `Files.ReadWrite` and
   `offline_access`.
4. Copy the *Application (client) ID* and give it below. There is no secret to create.
"""
_WORK = """
**A work or school account** may need the consent of an administrator; Microsoft says so when you sign in. The
administrator approves the app under *Enterprise applications*.

A sign-in lasts while it is used: Microsoft ends it after 90 days without any use, and when the password changes.
"""
SIGN_IN = PublicClientSignIn(ONEDRIVE_APP, _GUIDE, ("Work accounts, and how long a sign-in lasts", _WORK), "Client ID")
