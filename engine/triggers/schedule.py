"""Runs at fixed times: by a cron expression in a time zone, or at an interval of seconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Literal
from zoneinfo import ZoneInfo

from engine.base.clock import moment_of, timestamp
from engine.plugins.step import Fields, JsonValue, Output, Prompts, option
from engine.plugins.trigger import Found, Item, Look, TriggerType
from engine.triggers.cron import cron_fault, crons

ON_TIME = timedelta(seconds=60)
"""A firing polled within this time does not count as missed."""
_PUT_BACK = timedelta(days=1)
"""A firing further in the future means that the clock was wrong then, or is now: continue from now."""
_SETTLING = timedelta(minutes=15)
"""The pause before that: a computer without a clock of its own has the right time soon after its start."""
_MOST_PASSED = 10
_WRONG_BEFORE = datetime(2025, 1, 1, tzinfo=UTC)
"""This release is younger, so a clock that showed an earlier time was wrong."""
_MOST_COUNTED = 1000
_WINDOWS = (timedelta(hours=1), timedelta(days=1), timedelta(days=32), timedelta(days=400))
"""Search for the newest firing in the last hour first: a cron of every minute has 525,600 in a year."""


class ScheduleFields(Fields):
    """The fields of `schedule`: either `cron` or `every_seconds`."""

    cron: str | None = option("Cron expression", None)
    every_seconds: float | None = option("Interval in seconds", None, ge=1, le=366 * 86_400)
    time_zone: str | None = option("Time zone", None, format="time-zone")
    missed: Literal["skip", "once", "all"] = option("Times missed while nothing ran", "once")


class ScheduleItem(Output):
    """One firing. `at` is RFC 3339 with the zone's offset, `date` the local day, `missed` how many were left out.

    `since` is the time of the firing before it, or when the trigger was turned on: what is newer is new.
    """

    at: str
    date: str
    time_zone: str
    missed: int
    since: str


class Schedule(TriggerType):
    """Starts a run at fixed times.

    A time that a clock change skips fires right after the gap, and a repeated one fires once; a cron with `*` for the
    minute or hour follows elapsed hours. Debian's cron does the same (its manual, cron(8)). If the computer's clock was
    set back by more than a day, it continues after 15 minutes; when the clock is right again, no time fires twice.
    """

    name = "schedule"
    title = "At fixed times"
    happens = "its time has come"
    unmade = "Nobody makes a time."
    fields = ScheduleFields
    item = ScheduleItem
    start_from = ("now",)
    remembered_days = 7
    is_about_item = False

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require either `cron` or `every_seconds`, a valid cron expression, and a known time zone."""
        cron, every = arguments.get("cron"), arguments.get("every_seconds")
        if (cron is None) == (every is None):
            return [("cron", "A schedule needs either `cron` or `every_seconds`.")]
        found = []
        zone = arguments.get("time_zone")
        if isinstance(zone, str) and _zone(zone) is None:
            found.append(("time_zone", f"There is no time zone {zone!r}. Write it like 'Europe/Berlin'."))
        if isinstance(cron, str) and (fault := cron_fault(cron)):
            found.append(("cron", fault))
        return found

    def look(self, look: Look) -> Found:
        """List the firings since the last one.

        The cursor is {at, anchor, passed}: the last firing, what intervals are counted from, and the last firings
        before the clock was set back, earliest first.
        """
        if look.cursor is None:
            return Found([], {"at": timestamp(look.now)}, look_again_at=_next(look, look.now, look.now))
        after, passed = _place(look)
        anchor = _not_ahead(look, look.cursor.get("anchor", look.cursor["at"]))
        due = _due(look, anchor, after)
        newest = moment_of(due[-1].id) if due else after
        cursor = {"at": timestamp(newest), "anchor": timestamp(anchor), "passed": [*map(timestamp, passed)]}
        return Found(
            due,
            cursor,
            has_more=look.fields.missed == "all" and len(due) == look.limit,
            look_again_at=_next(look, anchor, max(newest, look.now)),
        )


def _place(look: Look) -> tuple[datetime, list[datetime]]:
    """Return after which time firings count, and the last firings before the clock was set back that are still ahead.

    Whether the clock was ahead then or is behind now shows later: if it passes such a firing, it was behind.
    """
    at = moment_of(look.cursor["at"])
    passed = [moment_of(one) for one in look.cursor.get("passed", ())]
    if at - look.now > _PUT_BACK:
        return look.now + _SETTLING, sorted({*passed, at})[:_MOST_PASSED]
    after = max((one for one in passed if at + _PUT_BACK < one <= look.now), default=at)
    if after < _WRONG_BEFORE <= look.now:
        after = look.now
    return after, [one for one in passed if one > after]


def _not_ahead(look: Look, at: str) -> datetime:
    moment = moment_of(at)
    return look.now if moment - look.now > _PUT_BACK else moment


def _due(look: Look, anchor: datetime, after: datetime) -> list[Item]:
    """Return the firings after `after`, up to now, that start a run, by the rule for missed ones."""
    if look.fields.missed == "all":
        passed = takewhile(lambda one: one <= look.now, firings(look.fields, look.around.time_zone, anchor, after))
        due = list(islice(passed, look.limit))
        return [_item(look, one, since, 0) for since, one in zip([after, *due], due, strict=False)]
    newest = _newest(look, anchor, after)
    if newest is None:
        return []
    before = firings(look.fields, look.around.time_zone, anchor, after)
    missed = sum(1 for one in islice(before, _MOST_COUNTED) if one < newest)
    if look.fields.missed == "skip" and look.now - newest > ON_TIME:
        return [_item(look, newest, after, missed, skip="its time had passed while nothing ran")]
    return [_item(look, newest, after, missed)]


def _newest(look: Look, anchor: datetime, after: datetime) -> datetime | None:
    for window in _WINDOWS:
        start = max(after, look.now - window)
        newest = None
        for one in firings(look.fields, look.around.time_zone, anchor, start):
            if one > look.now:
                break
            newest = one
        if newest is not None or start == after:
            return newest
    return None


def _next(look: Look, anchor: datetime, after: datetime) -> datetime | None:
    return next(firings(look.fields, look.around.time_zone, anchor, after), None)


def firings(fields: ScheduleFields, default_zone: str, anchor: datetime, after: datetime) -> Iterator[datetime]:
    """Yield every firing after a time, earliest first, in UTC; intervals are counted from `anchor`."""
    if fields.every_seconds is not None:
        step = timedelta(seconds=fields.every_seconds)
        passed = (after - anchor) // step
        one = anchor + max(passed, 0) * step
        while True:
            one += step
            if one > after:
                yield one
    yield from crons(fields.cron or "", _zone(fields.time_zone or default_zone) or ZoneInfo("UTC"), after)


def _item(look: Look, at: datetime, since: datetime, missed: int, skip: str = "") -> Item:
    name = look.fields.time_zone or look.around.time_zone
    local = at.astimezone(_zone(name) or UTC)
    value = {
        "at": local.isoformat(timespec="seconds"),
        "date": local.date().isoformat(),
        "time_zone": name,
        "missed": missed,
        "since": timestamp(since),
    }
    return Item(id=timestamp(at), value=value, title=f"{local:%Y-%m-%d %H:%M} {name}", at=at, skip=skip)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # unknown, a folder of the time zone database, or not a name
        return None
