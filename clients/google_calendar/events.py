"""Events: as the API takes them, and as workflows see them."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from clients.google_calendar.times import shown
from clients.listing import Json

KEY = "orchestraWrite"
"""The private property of an event that tells which write updated it last; no page of Google shows it."""


def event_id(marker: str) -> str:
    """Return the id that the event of a write gets: base32hex, as the API wants it (events.insert)."""
    return f"orc{hashlib.sha256(marker.encode()).hexdigest()[:40]}"


class EventDraft(Struct, frozen=True):
    """The wanted members of an event; None leaves one unchanged."""

    title: str | None = None
    start: Json | None = None
    end: Json | None = None
    description: str | None = None
    location: str | None = None
    attendees: Sequence[str] | None = None
    repeats: str = ""
    """A rule of RFC 5545, such as `FREQ=WEEKLY;COUNT=4`."""
    is_busy: bool | None = None

    def body(self) -> Json:
        """Return the members of the API's event that are given."""
        people = None if self.attendees is None else [{"email": one} for one in self.attendees]
        busy = None if self.is_busy is None else "opaque" if self.is_busy else "transparent"
        found = {
            "summary": self.title,
            # A patch merges: without the nulls, an all-day event would keep its `date` beside the new `dateTime`.
            "start": self.start and {"date": None, "dateTime": None, **self.start},
            "end": self.end and {"date": None, "dateTime": None, **self.end},
            # Calendar shows descriptions as HTML: a stranger's text must not become a link or a picture.
            "description": None if self.description is None else html.escape(self.description, quote=False),
            "location": self.location,
            "attendees": people,
            "recurrence": [f"RRULE:{self.repeats.removeprefix('RRULE:')}"] if self.repeats else None,
            "transparency": busy,
        }
        return {name: value for name, value in found.items() if value is not None}


def new_body(draft: EventDraft) -> Json:
    """Return the body of a new event: a new one has nothing to clear."""
    body = draft.body()
    for name in ("start", "end"):
        body[name] = {key: value for key, value in body[name].items() if value is not None}
    return body


_TAG = re.compile(r"<br\s*/?>|</p>|</li>|</div>", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[^<>]*>")


def as_event(found: Mapping[str, Any], calendar: str) -> Json:
    """Return an event as workflows see it. Raises LookupError, TypeError or ValueError for an odd one."""
    organizer = found.get("organizer") or {}
    return {
        "id": str(found["id"]),
        "calendar": calendar,
        "title": str(found.get("summary", "")),
        "starts": shown(found["start"], is_end=False),
        "ends": shown(found["end"], is_end=True),
        "all_day": "date" in found["start"],
        "description": _plain(str(found.get("description", ""))),
        "location": str(found.get("location", "")),
        "organizer": str(organizer.get("email", "")),
        "attendees": [_attendee(one) for one in found.get("attendees") or []],
        "status": str(found.get("status", "")),
        "is_busy": found.get("transparency", "opaque") != "transparent",
        "series": str(found.get("recurringEventId", "")),
        "url": str(found.get("htmlLink", "")),
        "created_at": str(found.get("created", "")),
        "updated_at": str(found.get("updated", "")),
    }


def _attendee(one: Mapping[str, Any]) -> Json:
    return {"address": str(one.get("email", "")), "answer": str(one.get("responseStatus", ""))}


def _plain(description: str) -> str:
    """Return the text of a description, which may be HTML."""
    return html.unescape(_ANY_TAG.sub("", _TAG.sub("\n", description))).strip()


CONTENT = ("summary", "start", "end", "description", "location", "attendees", "recurrence", "transparency")
"""The members of an event that an update may change."""


def kept(found: Mapping[str, Any], changed: Mapping[str, Any]) -> Json:
    """Return the members that an update changes, as they are now; None for a member that is not set."""
    return {name: found.get(name) for name in CONTENT if name in changed}


def restored(before: Mapping[str, Any]) -> Json:
    """Return the body that gives an event its former members back."""
    body: Json = {}
    for name, value in before.items():
        is_time = name in {"start", "end"} and isinstance(value, Mapping)
        body[name] = {"date": None, "dateTime": None, **value} if is_time else value
    return body
