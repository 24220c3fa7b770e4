"""Times of events, between the words of workflows (`clients/event_times.py`) and the API's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from clients.event_times import EventTime, event_span, parsed, zone
from clients.listing import Json


def moment(field: str, text: str, time_zone: str) -> datetime:
    """Return the moment in a field; for a day, its beginning. Raises InvalidRequest."""
    found = parsed(field, text, time_zone)
    if isinstance(found, datetime):
        return found
    return datetime(found.year, found.month, found.day, tzinfo=zone(time_zone))


def span(starts: str, ends: str, minutes: int, time_zone: str) -> tuple[Json, Json]:
    """Return `start` and `end` of an event for the API, as `event_span` does."""
    first, last = event_span(starts, ends, minutes, time_zone)
    return _at(first, time_zone), _at(last, time_zone)


def _at(when: EventTime, time_zone: str) -> Json:
    if not isinstance(when, datetime):
        return {"date": when.isoformat()}
    # Recurring events need the zone beside the offset (API reference, Events, `start.timeZone`).
    return {"dateTime": when.isoformat(timespec="seconds"), "timeZone": time_zone}


def shown(given: Mapping[str, Any], *, is_end: bool) -> str:
    """Return a time of the API in the words of workflows."""
    if "date" in given:
        day = date.fromisoformat(given["date"])
        return (day - timedelta(days=1) if is_end else day).isoformat()
    return str(given["dateTime"])


def rfc3339(moment: datetime) -> str:
    """Return a moment as the API's parameters take it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
