"""The declaration of Google Calendar, and the settings of its connections."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from clients.base_url import BaseUrl
from clients.reads import Read
from clients.service import Key, Service

_URL = "https://www.googleapis.com"


class CalendarSettings(BaseModel):
    """Settings of a Google Calendar account, `connections.<name>` in config.yaml; most use `token_file`."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr | None = Field(None, description="An access token, instead of a sign-in.")
    token_file: Path | None = Field(None, description="The file of the sign-in, which writes this setting.")
    base_url: BaseUrl = Field(_URL, description="The address of the API.")


GOOGLE_CALENDAR = Service(
    name="google_calendar",
    title="Google Calendar",
    icon="calendar_month",
    settings=CalendarSettings,
    url=_URL,
    key=Key(
        setting="token",
        variable="GOOGLE_CALENDAR_TOKEN",
        place="Google Cloud, APIs and services, Credentials",
        url="https://console.cloud.google.com/apis/credentials",
    ),
    reads=(
        Read("GET", "/calendar/v3/users/me/calendarList"),
        Read("GET", "/calendar/v3/users/me/calendarList/*"),
        Read("GET", "/calendar/v3/calendars/*/events"),
        Read("GET", "/calendar/v3/calendars/*/events/*"),
        Read("POST", "/calendar/v3/freeBusy"),
        Read("POST", "/token"),
        Read("POST", "/token", "https://oauth2.googleapis.com"),
    ),
    pickers={"google-calendar": "calendar_names"},
    shown_at=("calendar.google.com", "www.google.com"),
    link="Event",
)
