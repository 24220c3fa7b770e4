"""When a cron expression fires in a time zone, including clock changes, as Debian's cron does it (cron(8)).

The library computes with wall clocks only: its own support for time zones loses firings where clocks change by half an
hour (Australia/Lord_Howe). Between two changes a wall clock is UTC plus a constant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""The days of a week, in the order of ISO 8601; cron counts from Monday as 1, too."""
_EVERY_DAY, _ON_WEEKDAYS = "Every day at {time}", "On weekdays at {time}"
_ON_DAYS, _INVALID = "Each {days} at {time}", "By the cron expression {cron}, which is not valid"
TEXTS = (*DAYS, _EVERY_DAY, _ON_WEEKDAYS, _ON_DAYS, _INVALID)
"""What `cron_words` says, for translations."""
_WORKDAYS = (1, 2, 3, 4, 5)
_DAILY = re.compile(r"(?P<minute>[0-9]+) +(?P<hour>[0-9]+) +\* +\* +(?P<days>\*|[0-7](-[0-7])?(,[0-7](-[0-7])?)*)")
_FORM = 'Write it like "0 9 * * 1-5": minute, hour, day of the month, month, day of the week.'
_LONGEST_SHOWN = 80
# More than a clock was ever changed by: at the end of 2011, Samoa left out a day (Pacific/Apia).
_LONGEST_CHANGE = timedelta(hours=26)
_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)


def cron_fault(text: str) -> str:
    """Return what is wrong with a cron expression, empty if it is valid."""
    from cronsim import CronSim, CronSimError

    if len(text.split()) != 5:
        return f"{text!r} is not a cron expression. {_FORM}"
    try:
        moment = next(CronSim(text, datetime(2026, 1, 1, tzinfo=UTC)), None)
    except CronSimError as error:
        return f"{text!r} is not a cron expression: {str(error).lower()}. {_FORM}"
    return "" if moment is not None else f"{text!r} never occurs."


class DailyTime(NamedTuple):
    """A time of day on some days."""

    hour: int
    minute: int
    days: Sequence[int]
    """1 is Monday, as in ISO 8601; empty: every day."""


def cron_of(at: DailyTime) -> str:
    """Return the cron expression of a time of day."""
    chosen = sorted(set(at.days))
    if len(chosen) in (0, len(DAYS)):
        return f"{at.minute} {at.hour} * * *"
    is_range = len(chosen) > 2 and chosen == [*range(chosen[0], chosen[-1] + 1)]
    days = f"{chosen[0]}-{chosen[-1]}" if is_range else ",".join(map(str, chosen))
    return f"{at.minute} {at.hour} * * {days}"


def daily_time(cron: str) -> DailyTime | None:
    """Return the time of day that a cron expression means, None if it means something else."""
    found = _DAILY.fullmatch(cron.strip())
    if found is None or cron_fault(cron):
        return None
    days: set[int] = set()
    for one in found["days"].split(",") if found["days"] != "*" else ():
        first, _, last = one.partition("-")
        days |= {day or len(DAYS) for day in range(int(first), int(last or first) + 1)}  # 0 is Sunday, too
    return DailyTime(int(found["hour"]), int(found["minute"]), sorted(days) if len(days) < len(DAYS) else ())


def cron_words(cron: str, say: Callable[..., str] = str.format) -> str:
    """Return when a cron expression fires, such as "On weekdays at 8:00"; if it is invalid, say so.

    `say` translates one of `TEXTS` and fills it in; what is more complex than a time of day is said in English.
    """
    from cronsim import CronSim

    if cron_fault(cron):
        shown = cron if len(cron) <= _LONGEST_SHOWN else f"{cron[:_LONGEST_SHOWN]}…"
        return say(_INVALID, cron=repr(shown))
    found = daily_time(cron)
    if found is None:
        return CronSim(cron, datetime(2026, 1, 1, tzinfo=UTC)).explain()
    at = f"{found.hour}:{found.minute:02}"
    if not found.days:
        return say(_EVERY_DAY, time=at)
    if tuple(found.days) == _WORKDAYS:
        return say(_ON_WEEKDAYS, time=at)
    return say(_ON_DAYS, days=", ".join(say(DAYS[one - 1]) for one in found.days), time=at)


def crons(text: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Yield every firing after a time, earliest first, in UTC; endless."""
    minute, hour = text.split()[:2]
    follows_hours = minute.startswith("*") or hour.startswith("*")
    yield from (_passing if follows_hours else _by_the_clock)(text, zone, after.astimezone(UTC))


def _by_the_clock(text: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Yield firings by wall clock: a repeated time fires once, a skipped time right after the gap."""
    from cronsim import CronSim

    last = after
    start = after.astimezone(zone).replace(tzinfo=None) - _LONGEST_CHANGE
    for local in CronSim(text, start):
        moment = _first_moment(local, zone)
        if moment > last:
            last = moment
            yield moment


def _first_moment(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the first moment at which a wall clock shows this time, or has just skipped it."""
    early, late = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if early.astimezone(zone).replace(tzinfo=None) == local:
        return early
    # In a gap, the offset before it yields a moment after the gap, and the offset after it a moment before it.
    return _change(zone, late, early) or early


def _passing(text: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Yield firings by elapsed hours: up to the next clock change, and then on from that change."""
    from cronsim import CronSim

    since = after
    while True:
        offset = _offset(zone, since)
        start = since if since == after else since - _SECOND  # a firing at the change itself counts
        for local in CronSim(text, start.replace(tzinfo=None) + offset):
            moment = (local - offset).replace(tzinfo=UTC)
            change = _change(zone, since, moment)
            if change is not None:
                since = change
                break
            since = moment
            yield moment


def _change(zone: ZoneInfo, start: datetime, end: datetime) -> datetime | None:
    """Return the first moment after `start`, up to `end`, at which the zone's offset changes, or None."""
    offset = _offset(zone, start)
    while start < end:
        step = min(start + _DAY, end)
        if _offset(zone, step) != offset:
            while step - start > _SECOND:
                middle = start + ((step - start) // 2 // _SECOND or 1) * _SECOND
                start, step = (middle, step) if _offset(zone, middle) == offset else (start, middle)
            return step
        start = step
    return None


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
