"""When a cron expression fires in a time zone, including clock changes, as Debian's cron does it (cron(8)).

The library computes with wall clocks only: its own support for time zones loses firings where clocks change by half an
hour (Australia/Lord_Howe). Between two changes a wall clock is UTC plus a constant.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

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


def cron_words(text: str) -> str:
    """Return when a cron expression fires, such as "at 09:00 on Monday"; if it is invalid, say so."""
    from cronsim import CronSim

    if cron_fault(text):
        shown = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
        return f"by the cron expression {shown!r}, which is not valid"
    words = CronSim(text, datetime(2026, 1, 1, tzinfo=UTC)).explain()
    return words[:1].lower() + words[1:]


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
