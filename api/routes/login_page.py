"""The sign-in page."""

from __future__ import annotations

from html import escape

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


def password_page(next_path: str, *, message: str = "", user_id: str = "", status: int = 200) -> HTMLResponse:
    """Return the form for user and password; `message` says why the last try failed."""
    refused = f'<p class="bad" role="alert">{escape(message)}</p>' if message else ""
    body = f"""{refused}<form method="post" action="/login">
<label>User <input name="user_id" value="{escape(user_id)}" autocomplete="username" autocapitalize="none"
 spellcheck="false" required maxlength="64"></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required
 maxlength="256"></label>
<input type="hidden" name="next" value="{escape(next_path)}">
<button type="submit">Sign in</button>
</form>
{_HINT}"""
    return plain_page("Sign in to AI-Orchestra", body, status, tab="Sign in")
