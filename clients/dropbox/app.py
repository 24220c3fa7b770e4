"""Dropbox as a service that people sign in to (https://developers.dropbox.com/oauth-guide)."""

from __future__ import annotations

import httpx

from clients.dropbox.refusals import refusal
from clients.dropbox.service import DROPBOX, URL
from clients.error_mapping import of_shape
from clients.oauth.api import OAuthApi
from clients.oauth.app import OAuthApp, TokenSource
from clients.oauth.sign_in import PublicClientSignIn

SCOPES = ("account_info.read", "files.metadata.read", "files.content.read", "files.content.write")
REDIRECT = "http://127.0.0.1:53683/"
"""Dropbox compares the whole address with the registered one, so the port is fixed."""


def _account_of(http: httpx.Client, tokens: TokenSource, base_url: str) -> str:
    found = OAuthApi(http, tokens, refusal).asked("POST", f"{base_url}/2/users/get_current_account")
    try:
        return str(found["email"])
    except (LookupError, TypeError) as error:
        raise of_shape(DROPBOX, error) from error


DROPBOX_APP = OAuthApp(
    service=DROPBOX,
    at="Dropbox",
    authorize_url="https://www.dropbox.com/oauth2/authorize",
    token_url=f"{URL}/oauth2/token",
    scopes=SCOPES,
    needed=SCOPES,
    redirect=REDIRECT,
    account_of=_account_of,
    asks_more={"token_access_type": "offline"},
)
_GUIDE = f"""
Dropbox asks each installation for an app of its own. This takes five minutes, once, and is free.

1. [Create app](https://www.dropbox.com/developers/apps/create): *Scoped access*, *Full Dropbox* (or *App folder*: then
   workflows see that folder only), any name.
2. *Permissions*: tick `{"`, `".join(SCOPES[1:])}`, then *Submit*.
3. *Settings*, *Redirect URIs*: add `{REDIRECT}` exactly as it is written here.
4. Copy the *App key* and give it below. The *App secret* is not needed: never give it to anybody.
"""
_LASTS = """
The sign-in lasts until you revoke it: dropbox.com, *Settings*, *Apps*, *Connected apps*. An app in the status
*Development* serves you and up to 500 people without a review.

If you change the permissions of the app later, sign in once more: a sign-in keeps those that it was given.
"""
SIGN_IN = PublicClientSignIn(DROPBOX_APP, _GUIDE, ("How long does a sign-in last?", _LASTS), "App key")
