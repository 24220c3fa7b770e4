"""The clock, which is passed in as a function, so that tests can fix it; and times as text."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

Clock = Callable[[], datetime]
"""Returns the current time as an aware UTC datetime."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
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


def moment_of(text: str) -> datetime:
    """Return the aware datetime of RFC 3339 text."""
    return datetime.fromisoformat(text)
