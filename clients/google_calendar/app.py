"""Google Calendar as a service of Google that people sign in to, and its SDK."""

from __future__ import annotations

from typing import Any

import httpx

from clients.google.app import GoogleApp
from clients.google.transport import answered, built
from clients.google_calendar.service import GOOGLE_CALENDAR
from clients.oauth.app import TokenSource

PRIMARY = "primary"
"""What the API calls the account's own calendar; the calendar's id is the address of the account."""


def sdk(http: httpx.Client, tokens: TokenSource, base_url: str) -> Any:
    """Return the SDK of the API."""
    return built("calendar", "v3", http, tokens, f"{base_url.rstrip('/')}/calendar/v3/")


def _account_of(http: httpx.Client, tokens: TokenSource, base_url: str) -> str:
    request = sdk(http, tokens, base_url).calendarList().get(calendarId=PRIMARY)
    return str(answered(request, "id")["id"])


CALENDAR_APP = GoogleApp(
    service=GOOGLE_CALENDAR,
    # The narrowest that allow events in all calendars, the list of calendars, and free times.
    scopes=(
        "https://www.googleapis.com/auth/calendar.events",
        "https://www.googleapis.com/auth/calendar.calendarlist.readonly",
        "https://www.googleapis.com/auth/calendar.freebusy",
    ),
    account_of=_account_of,
    api="Google Calendar API",
    library="calendar-json.googleapis.com",
    reads="calendars",
)
