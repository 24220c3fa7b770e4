"""Times of events: days and moments, between the words of workflows and the API's.

In workflows a time is `2026-11-25` (a whole day), `2026-11-25T10:00` (in a time zone that is named beside it) or
`2026-11-25T10:00:00+01:00` (RFC 3339).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from clients.errors import InvalidRequest
from clients.google_calendar.service import GOOGLE_CALENDAR
from clients.listing import Json


def zone(name: str) -> ZoneInfo:
    """Return a time zone. Raises InvalidRequest."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _wrong(
            f"There is no time zone {name!r}.", "Write it as in the IANA list, such as Europe/Berlin."
        ) from None


def parsed(text: str, time_zone: str) -> date | datetime:
    """Return a day, or an aware moment in the time zone. Raises InvalidRequest."""
    text = text.strip()
    try:
        if len(text) == len("2026-11-25"):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _wrong(
            f"{text!r} is not a time.", "Write 2026-11-25 for a whole day, 2026-11-25T10:00, or RFC 3339."
        ) from None
    return moment.astimezone(zone(time_zone)) if moment.tzinfo else moment.replace(tzinfo=zone(time_zone))


def moment(text: str, time_zone: str) -> datetime:
    """Return a moment; for a day, its beginning. Raises InvalidRequest."""
    found = parsed(text, time_zone)
    if isinstance(found, datetime):
        return found
    return datetime(found.year, found.month, found.day, tzinfo=zone(time_zone))


def span(starts: str, ends: str, minutes: int, time_zone: str) -> tuple[Json, Json]:
    """Return `start` and `end` of an event for the API; without `ends` it takes `minutes`, or the whole day.

    `ends` of whole days is the last of them; the API's is the day after. Raises InvalidRequest.
    """
    first = parsed(starts, time_zone)
    last = parsed(ends, time_zone) if ends else None
    if last is not None and isinstance(first, datetime) is not isinstance(last, datetime):
        raise _wrong("The event begins with a day and ends with a time, or the other way round.", "Give both alike.")
    if isinstance(first, datetime):
        end = last if isinstance(last, datetime) else _later(first, minutes)
        if end <= first:
            raise _wrong(f"The event ends at {ends}, which is not after its beginning, {starts}.", "Check both times.")
        return _at(first, time_zone), _at(end, time_zone)
    day = last or first
    if day < first:
        raise _wrong(f"The event ends on {ends}, before its beginning, {starts}.", "Check both days.")
    return {"date": first.isoformat()}, {"date": (day + timedelta(days=1)).isoformat()}


def _later(moment: datetime, minutes: int) -> datetime:
    """Return a moment this many minutes of real time later, even if the clocks change in between."""
    return (moment.astimezone(UTC) + timedelta(minutes=minutes)).astimezone(moment.tzinfo)


def _at(moment: datetime, time_zone: str) -> Json:
    # Recurring events need the zone beside the offset (API reference, Events, `start.timeZone`).
    return {"dateTime": moment.isoformat(timespec="seconds"), "timeZone": time_zone}


def shown(given: Mapping[str, Any], *, is_end: bool) -> str:
    """Return a time of the API in the words of workflows."""
    if "date" in given:
        day = date.fromisoformat(given["date"])
        return (day - timedelta(days=1) if is_end else day).isoformat()
    return str(given["dateTime"])


def rfc3339(moment: datetime) -> str:
    """Return a moment as the API's parameters take it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _wrong(message: str, remedy: str) -> InvalidRequest:
    return InvalidRequest(message, service=GOOGLE_CALENDAR.name, remedy=remedy)
