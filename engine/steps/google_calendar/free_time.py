"""The step that finds free time in calendars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from clients.event_times import zone
from clients.google_calendar.times import moment
from engine.plugins.step import Call, Fields, JsonValue, Output, destination, option
from engine.steps.google_calendar.fields import CALENDAR_FORMAT, CalendarRead, zone_field

_DAYS = 14
"""How far the search goes without `latest`."""
_LONGEST = timedelta(days=60)
_CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"
Span = tuple[datetime, datetime]


class FreeFields(Fields):
    """Which calendars, how long, and between which hours."""

    calendars: list[str] = destination("Calendars that must be free", ["primary"], format=CALENDAR_FORMAT)
    minutes: int = option("Minutes", 30, ge=5, le=1440)
    earliest: str = option("From (a day or a time; empty: now)", "")
    latest: str = option("Until (a day or a time; empty: two weeks later)", "")
    day_begins: str = option("Not before", "09:00", pattern=_CLOCK)
    day_ends: str = option("Not after", "17:00", pattern=_CLOCK)
    weekends: bool = option("Also on Saturdays and Sundays", default=False)
    time_zone: str = zone_field()
    limit: int = option("At most", 5, ge=1, le=100)


class Slot(Output):
    """A time of the wanted length, in RFC 3339."""

    starts: str
    ends: str


class Free(Output):
    """The first free times, and all busy times in between; `has_more`: there are more free ones."""

    free: list[Slot]
    busy: list[Slot]
    time_zone: str
    has_more: bool


class FindFreeTime(CalendarRead):
    """Find times at which the calendars are free. Only busy times are requested, not what the events are about."""

    name = "google_calendar.find_free_time"
    title = "Find free time"
    fields = FreeFields
    output = Free
    volatile = frozenset({"free", "has_more"})

    def call(self, call: Call) -> JsonValue:
        """Return {free, busy, time_zone, has_more}."""
        it: FreeFields = call.fields
        assert call.started_at is not None
        name = it.time_zone or call.client.zone_of((it.calendars or ["primary"])[0])
        earliest = max(moment("earliest", it.earliest, name), call.started_at) if it.earliest else call.started_at
        latest = moment("latest", it.latest, name) if it.latest else earliest + timedelta(days=_DAYS)
        latest = min(latest, earliest + _LONGEST)
        if latest <= earliest:
            return {"free": [], "busy": [], "time_zone": name, "has_more": False}
        busy = call.client.busy(it.calendars or ["primary"], earliest, latest)
        hours = Hours(time.fromisoformat(it.day_begins), time.fromisoformat(it.day_ends), zone(name), it.weekends)
        found = free_slots(busy, (earliest, latest), timedelta(minutes=it.minutes), hours, it.limit + 1)
        return {
            "free": [_shown(one, name) for one in found[: it.limit]],
            "busy": [_shown(one, name) for one in busy],
            "time_zone": name,
            "has_more": len(found) > it.limit,
        }


class Hours(Struct, frozen=True):
    """The hours of a day in which a time may lie."""

    begins: time
    ends: time
    zone: ZoneInfo
    weekends: bool = False

    def within(self, span: Span) -> Iterator[Span]:
        """Yield the hours of each day of a span, in UTC."""
        day = span[0].astimezone(self.zone).date()
        while day <= span[1].astimezone(self.zone).date():
            if self.weekends or day.weekday() < 5:
                first = datetime.combine(day, self.begins, self.zone).astimezone(UTC)
                last = datetime.combine(day, self.ends, self.zone).astimezone(UTC)
                yield max(first, span[0]), min(last, span[1])
            day += timedelta(days=1)


_GRID = timedelta(minutes=15)
"""All zones differ from UTC by whole quarters of an hour today, so that a grid in UTC is one in each of them."""


def free_slots(busy: Sequence[Span], span: Span, length: timedelta, hours: Hours, limit: int) -> list[Span]:
    """Return the first free times, one after the other, each beginning at a quarter of an hour."""
    found: list[Span] = []
    for begins, ends in hours.within(span):
        at = _on_grid(begins.astimezone(UTC))
        while at + length <= ends and len(found) < limit:
            taken = [one for one in busy if one[0] < at + length and one[1] > at]
            if not taken:
                found.append((at, at + length))
                at += length
            else:
                at = _on_grid(max(one[1] for one in taken).astimezone(UTC))
    return found


def _on_grid(moment: datetime) -> datetime:
    """Return the first quarter of an hour that is not earlier."""
    over = timedelta(minutes=moment.minute % 15, seconds=moment.second, microseconds=moment.microsecond)
    return moment - over + (_GRID if over else timedelta(0))


def _shown(span: Span, time_zone: str) -> dict[str, str]:
    starts, ends = (one.astimezone(zone(time_zone)).isoformat(timespec="seconds") for one in span)
    return {"starts": starts, "ends": ends}
