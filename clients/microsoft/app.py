"""The app that people register at Microsoft, and signing in with it.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import httpx

from clients.microsoft.declaration import PORTAL, SIGN_IN_SERVER, TOKEN_PATH
from clients.oauth.app import OAuthApp, TokenSource
from clients.oauth.sign_in import PublicClientSignIn
from clients.service import Service

_REDIRECT = "http://localhost"
"""Microsoft accepts any port of it (RFC 8252 7.3)."""
_MORE = """
**A work or school account** may need the consent of an administrator; Microsoft says so when you sign in. The
administrator approves the app under *Enterprise applications*.

A sign-in lasts while it is used: Microsoft ends it after 90 days without any use, and when the password changes.
"""


def microsoft_app(
    service: Service, scopes: Sequence[str], account_of: Callable[[httpx.Client, TokenSource, str], str]
) -> OAuthApp:
    """Return a service as its sign-in sees it; `scopes` are those of Graph."""
    return OAuthApp(
        service=service,
        at="Microsoft",
        authorize_url=f"{SIGN_IN_SERVER}/common/oauth2/v2.0/authorize",
        token_url=SIGN_IN_SERVER + TOKEN_PATH,
        scopes=("offline_access", *scopes),
        needed=tuple(scopes),  # offline_access shows by its refresh token alone
        redirect=_REDIRECT,
        account_of=account_of,
        asks_more={"prompt": "select_account"},  # otherwise the browser's account is taken without a question
    )


def sign_in_to(app: OAuthApp, permissions: str, more: str = "") -> PublicClientSignIn:
    """Return the way to sign in; `permissions` are those that a person gives the app, `more` is for the guide."""
    guide = f"""
Microsoft asks each installation for an app of its own. This takes five minutes, once, and is free.

1. [App registrations]({PORTAL}): *New registration*, any name, *Accounts in any organizational directory and personal
   Microsoft accounts*.
2. *Redirect URI*: platform **Public client/native (mobile & desktop)**, `{_REDIRECT}`, without a port. *Register*.
3. *API permissions*, *Add a permission*, *Microsoft Graph*, *Delegated permissions*: {permissions}.
4. Copy the *Application (client) ID* and give it below. There is no secret to create.
"""
    return PublicClientSignIn(app, guide, ("Work accounts, and how long a sign-in lasts", _MORE + more), "Client ID")
