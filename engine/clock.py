"""Where the present moment comes from: an argument, so that tests decide what time it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives the present moment as an aware UTC time."""


def utc_now() -> datetime:
    """Return the present moment: the clock of everything outside tests."""
    return datetime.now(UTC)
