"""The clock: the current time is passed in as a function, so that tests can fix it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the current time as an aware UTC datetime."""


_SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Unlike the monotonic clock, it goes on in suspend (https://man7.org/linux/man-pages/man2/clock_gettime.2.html)."""


def elapsed_seconds() -> float:
    """Return seconds since some moment; nobody sets this clock, and it goes on while the machine is suspended."""
    return time.clock_gettime(_SINCE_BOOT)


def utc_now() -> datetime:
    """Return the current time; the clock used everywhere outside tests."""
    return datetime.now(UTC)
