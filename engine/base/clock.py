"""The clock: the current time is passed in as a function, so that tests can fix it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the current time as an aware UTC datetime."""


def utc_now() -> datetime:
    """Return the current time; the clock used everywhere outside tests."""
    return datetime.now(UTC)
