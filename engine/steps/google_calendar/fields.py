"""What the steps of Google Calendar have in common: the shape of an event, and when a person approves a write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from clients.google_calendar.service import GOOGLE_CALENDAR
from engine.plugins.step import Effect, JsonValue, Output, StepType, address, destination, option, outside

CALENDAR_FORMAT = "google-calendar"
Invitations = Literal["none", "all", "externalOnly"]


def calendar_field() -> Any:
    """Declare the field that names a calendar."""
    return destination("Calendar (its name, its id, or primary)", "primary", format=CALENDAR_FORMAT, min_length=1)


def zone_field() -> Any:
    """Declare the field with the time zone of times that name none."""
    return option("Time zone of the times (empty: the calendar's), such as Europe/Berlin", "")


def invitations_field(usual: Invitations = "none") -> Any:
    """Declare the field that says whom Google tells about the event."""
    return destination("Who gets mail about it: none, all attendees, or those without Google Calendar", usual)


class Attendee(Output):
    """Somebody who is invited, and the answer: needsAction, declined, tentative or accepted."""

    address: str = outside("Address")
    answer: str


class Event(Output):
    """An event. `starts` and `ends` are dates for an all-day event, otherwise times (RFC 3339)."""

    id: str
    calendar: str
    title: str = outside("Title")
    starts: str
    ends: str
    all_day: bool
    description: str = outside("Description, as text")
    location: str = outside("Location")
    organizer: str = outside("Address of the organizer")
    attendees: list[Attendee]
    status: str
    is_busy: bool
    series: str
    url: str = address("Address")
    created_at: str
    updated_at: str


class CalendarRead(StepType):
    """A step that reads from Google Calendar."""

    service = GOOGLE_CALENDAR.name
    effect = Effect.READS


def reaches_people(arguments: Mapping[str, JsonValue]) -> Literal["always", "never"]:
    """Return whether a write invites or tells anybody; what is only known at run time may."""
    tells = arguments.get("invitations") not in (None, "none")
    return "always" if tells or arguments.get("attendees") else "never"
