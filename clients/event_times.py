"""Times of events as workflows write them, for the calendar services and for invitations.

A time is `2026-11-25` (a whole day), `2026-11-25T10:00` (in a time zone that is named beside it) or
`2026-11-25T10:00:00+01:00` (RFC 3339). Its year is between 1900 and 2200.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from clients.errors import InvalidRequest
from clients.time_zones import time_zone_of

EventTime = date | datetime
"""A whole day, or an aware moment."""
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
"""Calendars know no others (RFC 5545 has four digits), and times within them exist in each zone."""
_LONGEST = timedelta(days=5 * 365 + 2)
"""Five years: the changes of clocks in all of them are written into an invitation."""


def zone(name: str) -> ZoneInfo:
    """Return a time zone. Raises InvalidRequest."""
    try:
        return time_zone_of(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidRequest(
            f"There is no time zone {name!r}.", remedy="Write it as in the IANA list, such as Europe/Berlin."
        ) from None


def parsed(field: str, text: str, time_zone: str) -> EventTime:
    """Return the day in a field, or the aware moment in the time zone. Raises InvalidRequest."""
    text = text.strip()
    try:
        found = date.fromisoformat(text) if len(text) == len("2026-11-25") else datetime.fromisoformat(text)
    except ValueError:
        raise InvalidRequest(
            f"{text!r} is not a time.", remedy="Write 2026-11-25 for a whole day, 2026-11-25T10:00, or RFC 3339."
        ) from None
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise InvalidRequest(
            f"{field}: the year of {text!r} is not between {_FIRST_YEAR} and {_LAST_YEAR}.", remedy="Check the year."
        )
    if not isinstance(found, datetime):
        return found
    return found.astimezone(zone(time_zone)) if found.tzinfo else found.replace(tzinfo=zone(time_zone))


def event_span(starts: str, ends: str, minutes: int, time_zone: str) -> tuple[EventTime, EventTime]:
    """Return when an event begins and ends; without `ends` it takes `minutes`, or the whole day.

    `ends` of whole days is the last of them; the result is the day after. Raises InvalidRequest, also for more than
    five years.
    """
    first = parsed("starts", starts, time_zone)
    last = parsed("ends", ends, time_zone) if ends else None
    if last is not None and isinstance(first, datetime) is not isinstance(last, datetime):
        raise InvalidRequest(
            "The event begins with a day and ends with a time, or the other way round.", remedy="Give both alike."
        )
    if isinstance(first, datetime):
        end = last if isinstance(last, datetime) else _later(first, minutes)
        length = end.astimezone(UTC) - first.astimezone(UTC)  # of one zone, Python compares what the clocks show
        if length <= timedelta():
            raise InvalidRequest(
                f"The event ends at {ends}, which is not after its beginning, {starts}.", remedy="Check both times."
            )
        _check_length(length, starts, ends)
        return first, end
    day = last or first
    if day < first:
        raise InvalidRequest(f"The event ends on {ends}, before its beginning, {starts}.", remedy="Check both days.")
    _check_length(day - first, starts, ends)
    return first, day + timedelta(days=1)


def _check_length(length: timedelta, starts: str, ends: str) -> None:
    if length > _LONGEST:
        raise InvalidRequest(
            f"The event takes more than five years, from {starts} to {ends}.", remedy="Check both years."
        )


def _later(moment: datetime, minutes: int) -> datetime:
    """Return a moment this many minutes of real time later, even if the clocks change in between."""
    return (moment.astimezone(UTC) + timedelta(minutes=minutes)).astimezone(moment.tzinfo)
