"""Events of the calendar's stand-in: what Google refuses, and the times of recurring ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from demo.service import Refused

Event = dict[str, Any]
# base32hex in lower case: https://developers.google.com/workspace/calendar/api/v3/reference/events/insert
ID = re.compile(r"[a-v0-9]{5,1024}")
_MEMBERS = {
    "id", "summary", "description", "location", "start", "end", "attendees", "recurrence", "transparency",
    "extendedProperties", "status", "visibility", "reminders",
}  # fmt: skip

_LONGEST = {"summary": 1024, "description": 8192, "location": 1024}


def checked(event: Mapping[str, Any]) -> None:
    """Raise Refused as Google does (https://developers.google.com/workspace/calendar/api/guides/errors)."""
    unknown = sorted(set(event) - _MEMBERS - {"kind", "etag", "htmlLink", "created", "updated", "creator"} - OWN)
    if unknown:
        raise Refused(400, f'Invalid JSON payload received. Unknown name "{unknown[0]}": Cannot find field.')
    for name, most in _LONGEST.items():
        if len(event.get(name) or "") > most:
            raise Refused(400, f"The {name} is too long: at most {most} characters.")
    if "id" in event and not ID.fullmatch(str(event["id"])):
        raise Refused(400, "Invalid resource id value.")
    for name in ("start", "end"):
        _checked_time(event.get(name) or {}, name)
    if span(event)[0] >= span(event)[1]:
        raise Refused(400, "The specified time range is empty.")
    for rule in event.get("recurrence") or []:
        _rule(rule)
    if event.get("recurrence") and "dateTime" in event["start"] and "timeZone" not in event["start"]:
        raise Refused(400, "Missing time zone definition for start time.")
    if any("@" not in str(one.get("email", "")) for one in event.get("attendees") or []):
        raise Refused(400, "Invalid attendee email.")


OWN = {"organizer", "iCalUID", "sequence", "eventType"}


def _checked_time(given: Mapping[str, Any], name: str) -> None:
    if ("date" in given) == ("dateTime" in given):
        raise Refused(400, f"Missing {name} time." if not given else "Invalid start/end time.")
    try:
        if "date" in given:
            date.fromisoformat(given["date"])
            return
        moment = datetime.fromisoformat(given["dateTime"])
        if "timeZone" in given:
            ZoneInfo(given["timeZone"])
    except (ValueError, OSError, KeyError):
        raise Refused(400, f"Invalid value for: {name}") from None
    if moment.tzinfo is None and "timeZone" not in given:
        raise Refused(400, f"Missing time zone definition for {name} time.")


def span(event: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """Return beginning and end; a whole day begins at midnight UTC."""
    first, last = (_moment(event[name]) for name in ("start", "end"))
    return first, last


def _moment(given: Mapping[str, Any]) -> datetime:
    if "date" in given:
        day = date.fromisoformat(given["date"])
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    moment = datetime.fromisoformat(given["dateTime"])
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(given["timeZone"]))


def instances(event: Event, until: datetime) -> Iterator[Event]:
    """Yield each time of an event that begins before `until`, as `singleEvents` lists them."""
    if not event.get("recurrence"):
        yield event
        return
    start, end = span(event)
    zone = ZoneInfo(event["start"].get("timeZone", "UTC"))
    local = start.astimezone(zone).replace(tzinfo=None)
    step, count = _rule(event["recurrence"][0])
    for number in range(count):
        # Local times are counted, so that an event stays at the same hour when the clocks change.
        begins = (local + number * step).replace(tzinfo=zone)
        if begins >= until:
            return
        yield _at(event, begins, begins + (end - start))


def _rule(text: str) -> tuple[timedelta, int]:
    """Return how far apart the times of a rule are, and how many there are; the stand-in knows days and weeks."""
    parts = dict(part.split("=", 1) for part in text.removeprefix("RRULE:").split(";") if "=" in part)
    days = {"DAILY": 1, "WEEKLY": 7}.get(parts.get("FREQ", ""))
    if not text.startswith("RRULE:") or days is None:
        raise Refused(400, "Invalid recurrence rule.")
    return timedelta(days=days * int(parts.get("INTERVAL", "1"))), int(parts.get("COUNT", "500"))


def _at(event: Event, begins: datetime, ends: datetime) -> Event:
    first = {**event["start"], "dateTime": begins.isoformat()}
    once = {name: value for name, value in event.items() if name != "recurrence"}
    return {
        **once,
        "id": f"{event['id']}_{begins.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        "recurringEventId": event["id"],
        "originalStartTime": first,
        "start": first,
        "end": {**event["end"], "dateTime": ends.isoformat()},
    }


def patched(event: Event, body: Mapping[str, Any]) -> Event:
    """Return an event with the members of a patch: null removes one, objects are merged, lists replaced."""
    merged = dict(event)
    for name, value in body.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            merged[name] = patched(merged.get(name) or {}, value)
        else:
            merged[name] = value
    return merged


def later(start: datetime, days: int, hour: int) -> datetime:
    """Return an hour on the day that is this many working days later."""
    day = start
    while days > 0 or day.weekday() > 4:
        day += timedelta(days=1)
        days -= day.weekday() < 5
    return day.replace(hour=hour, minute=0, second=0, microsecond=0)
