"""The declaration of Google Calendar, and the settings of its connections."""

from __future__ import annotations

from pydantic import Field

from clients.base_url import BaseUrl
from clients.google.declaration import RENEWAL, token_key
from clients.limits.text_limit import TextLimit
from clients.oauth.settings import SignInSettings
from clients.reads import ReadRequest
from clients.service import Service

_URL = "https://www.googleapis.com"


class CalendarSettings(SignInSettings):
    """Settings of a Google Calendar account, `connections.<name>` in config.yaml."""

    base_url: BaseUrl = Field(_URL, description="The address of the API.")


GOOGLE_CALENDAR = Service(
    name="google_calendar",
    title="Google Calendar",
    icon="calendar_month",
    settings=CalendarSettings,
    url=_URL,
    key=token_key("GOOGLE_CALENDAR_TOKEN"),
    reads=(
        ReadRequest("GET", "/calendar/v3/users/me/calendarList"),
        ReadRequest("GET", "/calendar/v3/users/me/calendarList/*"),
        ReadRequest("GET", "/calendar/v3/calendars/*/events"),
        ReadRequest("GET", "/calendar/v3/calendars/*/events/*"),
        ReadRequest("POST", "/calendar/v3/freeBusy"),
        *RENEWAL,
    ),
    pickers={"google-calendar": "calendar_names"},
    shown_at=("calendar.google.com", "www.google.com"),
    link="Event",
)

TITLE, DESCRIPTION, LOCATION = TextLimit(1024, rest="description"), TextLimit(8192, way="text"), TextLimit(1024)
"""The limits of an event, which the API reference does not state."""
COMMENT = TextLimit(1024)
NEW_TITLE = TextLimit(1024)
"""The limit of a changed title: the rest cannot go into the description, which a change leaves alone."""
