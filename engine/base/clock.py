"""The clock, which is passed in as a function, so that tests can fix it; and times as text."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

Clock = Callable[[], datetime]
"""Returns the current time as an aware UTC datetime."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION = re.compile(r"([0-9]{1,6})\s*([smhd])\Z")
_SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Unlike the monotonic clock, it goes on in suspend (https://man7.org/linux/man-pages/man2/clock_gettime.2.html)."""


def elapsed_seconds() -> float:
    """Return seconds since some moment; nobody sets this clock, and it goes on while the machine is suspended."""
    return time.clock_gettime(_SINCE_BOOT)


utc_now: Clock = partial(datetime.now, UTC)
"""The clock used everywhere outside tests; no function of ours, since each step asks it several times."""


def timestamp(moment: datetime) -> str:
    """Return RFC 3339 text in UTC with milliseconds."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{utc.isoformat(timespec='milliseconds')[:-6]}Z"


def milliseconds_of(moment: datetime) -> int:
    """Return the whole milliseconds since 1970."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def moment_with_offset(text: str) -> datetime:
    """Return the time of a field in UTC. Raises ValueError, whose text says how to write it."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("must be a time with its offset, like 2026-11-20T09:00:00+01:00 or …Z") from error
    if found.tzinfo is None:
        raise ValueError("a time needs its offset, like 2026-11-20T09:00:00+01:00 or …Z")
    try:
        return found.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("must be a time between the years 1 and 9999, in UTC too") from error


def duration_seconds(text: str) -> int | None:
    """Return the seconds of a duration such as `30s`, `10m`, `12h` or `2d`; None for any other text."""
    found = _DURATION.match(text)
    return None if found is None else int(found[1]) * _UNITS[found[2]]


def moment_of(text: str) -> datetime:
    """Return the aware datetime of RFC 3339 text."""
    return datetime.fromisoformat(text)
