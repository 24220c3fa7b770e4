"""How people sign in to a service of Google: its console, the browser, and the facts about a sign-in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import structs

from clients.google.app import GoogleApp
from clients.google.authorization import GoogleAuthorization
from clients.google.client_secret import WrongClientSecret, client_secret
from clients.oauth.exchange import granted_in
from clients.oauth.sign_in import WAIT_SECONDS, Registered, facts_in, signed_in
from clients.oauth.sign_in_file import SignInFile
from clients.sign_in import Seal, SignedIn, SignInFacts, SignInWay

TESTING = timedelta(days=7)
"""How long Google accepts a sign-in to an app in Testing (https://developers.google.com/identity/protocols/oauth2)."""
_WARNS_BEFORE = timedelta(days=2)
_CONSOLE = "https://console.cloud.google.com"
_GUIDE = f"""
Google requires each installation to have its own client. This takes about ten minutes, once, and is free. If you have
done it for another service of Google, do step 2 in the same project, and give the same file.

1. [New project]({_CONSOLE}/projectcreate): any name, then *Create*.
2. [API]({_CONSOLE}/apis/library/LIBRARY): *Enable*.
3. [Google Auth Platform]({_CONSOLE}/auth/overview): *Get started*. Any app name, your address twice, audience
   *External* (*Internal*, if your account belongs to a Google Workspace and only its people sign in).
4. [Audience]({_CONSOLE}/auth/audience): *Add users* under *Test users*, your own address. Without it Google says
   *Access blocked*.
5. [Clients]({_CONSOLE}/auth/clients): *Create client*, type **Desktop app** (no other type works), *Create*, then
   *Download JSON*. This is the file to give below.
6. *Sign in with Google*, with the browser on **this** machine. Google warns that it has not verified the app: it is
   your own. *Continue*, and leave every box ticked.
"""
_SEVEN_DAYS = """
As long as *Audience* says **Testing**, Google ends every sign-in after seven days. This page counts the days and
warns you beforehand; signing in again takes a minute.

**In production** a sign-in lasts until you revoke it. But Google has not verified your app: it shows a louder
warning, allows at most 100 people, and may block the app or ask for a review, since it reads READS. If you change this,
sign in once more afterwards: the old sign-in still expires.

**Internal** (Google Workspace) has neither limit.
"""


class GoogleSignIn(SignInWay):
    """The sign-in of an installed app, with the OAuth client of the installation's owner."""

    at = "Google"
    file_remedy = WrongClientSecret.default_remedy

    def __init__(self, app: GoogleApp) -> None:
        self._app = app
        self.guide = _GUIDE.replace("[API]", f"[{app.api}]").replace("LIBRARY", app.library)
        question = "Why seven days? Testing, In production" + (", or no console at all" if app.other_way else "")
        self.more = (question, _SEVEN_DAYS.replace("READS", app.reads) + app.other_way)

    def sign_in(self, file: Path, open_browser: Callable[[str], object], base_url: str) -> SignedIn:
        """Let a person sign in at Google; writes nothing."""
        return sign_in(self._app, file, open_browser, base_url=base_url)

    def stored(self, path: Path, seal: Seal | None) -> SignInFile:
        """Return a sign-in file."""
        return SignInFile(path, self._app, seal)

    def facts(self, info: Mapping[str, Any], now: datetime) -> SignInFacts:
        """Return the facts in a sign-in file; if Google did not say when it expires, assume seven days."""
        known = structs.replace(facts_in(info), lacks=self._lacks(info))
        told, consented = _moment(info.get("sign_in_ends_at")), _moment(info.get("consented_at"))
        ends_at = told or (consented + TESTING if consented else None)
        if ends_at is None or (told is None and ends_at < now):
            return known  # older than seven days: the app is not in Testing
        left = ends_at - now
        words = f"Testing mode: {_left(left)}"
        note = f"{words}." if told else f"If Google's console says Testing, it expires: {_left(left)}."
        ends = ends_at.isoformat(timespec="seconds")
        return structs.replace(known, ends_at=ends, note=note, warns=left < _WARNS_BEFORE)

    def _lacks(self, info: Mapping[str, Any]) -> str:
        granted = granted_in(info)
        missing = self._app.lacking(granted) if granted else []
        return f"The sign-in does not allow {', '.join(missing)} yet: sign in again." if missing else ""


def sign_in(
    app: GoogleApp,
    file: Path,
    open_browser: Callable[[str], object],
    port: int = 0,
    timeout: float = WAIT_SECONDS,
    *,
    base_url: str = "",
) -> SignedIn:
    """Let a person sign in with their browser (`signed_in`); `port` is for the redirect; 0: any free one.

    `file` is the JSON that Google's console creates for a desktop app. Raises WrongClientSecret, too.
    """
    client = client_secret(file, app.name)["installed"]
    noted = {key: str(client[key]) for key in ("token_uri", "client_id", "client_secret")}
    redirect = f"http://127.0.0.1:{port}/" if port else "http://127.0.0.1/"
    registered = Registered(redirect=redirect, noted=noted, begin=partial(GoogleAuthorization, app, client))
    return signed_in(app, registered, open_browser, base_url or app.service.url, timeout)


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_JUST_MADE = timedelta(minutes=10)
"""A day counts as whole if no more than this is missing: right after a sign-in, seven days are left."""


def _left(left: timedelta) -> str:
    """Return "5 days left", "7 hours left", or that the time is over."""
    if left <= timedelta(0):
        return "seven days have passed, sign in again"
    days = (left + _JUST_MADE) / timedelta(days=1)
    if days >= 1:
        return f"{math.floor(days)} day{'s' * (days >= 2)} left"
    hours = max(1, math.floor(left / timedelta(hours=1)))
    return f"{hours} hour{'s' * (hours > 1)} left"
