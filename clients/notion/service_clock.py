"""Notion's current time: its timestamps come from its own clock, which may differ from ours."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx


class ServiceClock:
    """The `Date` of the last answer (RFC 9110 6.6.1). Thread-safe."""

    def __init__(self) -> None:
        self._told: datetime | None = None

    def heard(self, response: httpx.Response) -> None:
        """Record the date of an answer; a missing or invalid one is ignored."""
        with suppress(ValueError, OverflowError):
            told = parsedate_to_datetime(response.headers.get("date", ""))
            self._told = told if told.tzinfo else told.replace(tzinfo=UTC)

    def now(self) -> datetime | None:
        """Return the time of the last answer (aware, whole seconds), or None before the first."""
        return self._told
