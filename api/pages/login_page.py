"""The sign-in page."""

from __future__ import annotations

from html import escape
from typing import NamedTuple
from urllib.parse import quote

from starlette.responses import HTMLResponse

from api.pages.plain_page import plain_page

_HINT = """<p class="soft">No password, or forgotten? An owner can create a link for you on the page Users. On the
machine itself, <code>orchestra login-link</code> in the workspace folder prints one. A link works once.</p>"""


def link_page(token: str, next_path: str) -> HTMLResponse:
    """Return the page behind a one-time link.

    Only the button uses up the link: mail scanners and previews open links too, but press nothing.
    """
    body = f"""<form method="post" action="/login">
<input type="hidden" name="token" value="{escape(token)}">
<input type="hidden" name="next" value="{escape(next_path)}">
<button type="submit" autofocus>Open the dashboard</button>
</form>
<p class="soft">The link works once, within 15 minutes.</p>"""
    return plain_page("AI-Orchestra", body)


class LoginMethods(NamedTuple):
    """How people may sign in here: the name of the provider ("" for none), and whether by password."""

    provider: str = ""
    passwords: bool = True


def sign_in_page(
    ways: LoginMethods, next_path: str, *, message: str = "", user_id: str = "", status: int = 200
) -> HTMLResponse:
    """Return the page with all ways to sign in; `message` says why the last try failed."""
    refused = f'<p class="bad" role="alert">{escape(message)}</p>' if message else ""
    button = _provider_button(ways.provider, next_path) if ways.provider else ""
    form = _password_form(next_path, user_id) if ways.passwords else ""
    between = '<p class="or">or</p>' if button and form else ""
    return plain_page("Sign in to AI-Orchestra", f"{refused}{button}{between}{form}{_HINT}", status, tab="Sign in")


def signed_out_page(provider: str, url: str) -> HTMLResponse:
    """Return the page that leads on to the provider, to sign out there, too.

    A page and no redirect: browsers let a form lead only where its page's policy says (`form-action`).
    """
    there = escape(url)
    body = f"""<p>You are signed out here. {escape(provider)} asks next whether to sign you out there, too.</p>
<p><a class="button" href="{there}">Go on to {escape(provider)}</a></p>
<p class="soft"><a href="/login">Stay here, and sign in again</a></p>"""
    page = plain_page("Signed out", body)
    page.headers["Refresh"] = f"0; url={url}"
    return page


def _provider_button(provider: str, next_path: str) -> str:
    way = f"/login/openid?next={quote(next_path, safe='')}"
    return f'<p><a class="button" href="{escape(way)}">Sign in with {escape(provider)}</a></p>\n'


def _password_form(next_path: str, user_id: str) -> str:
    return f"""<form method="post" action="/login">
<label>User <input name="user_id" value="{escape(user_id)}" autocomplete="username" autocapitalize="none"
 spellcheck="false" required maxlength="64"></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required
 maxlength="256"></label>
<input type="hidden" name="next" value="{escape(next_path)}">
<button type="submit">Sign in</button>
</form>
"""
