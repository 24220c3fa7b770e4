"""What time it is at Notion: its times are whole minutes of its own clock, which need not be ours."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx


class ServiceClock:
    """The `Date` of the last answer (RFC 9110 6.6.1). Threads may share it."""

    def __init__(self) -> None:
        self._told: datetime | None = None

    def heard(self, response: httpx.Response) -> None:
        """Keep what an answer says; one without a date, or with another text there, says nothing."""
        with suppress(ValueError, OverflowError):
            told = parsedate_to_datetime(response.headers.get("date", ""))
            self._told = told if told.tzinfo else told.replace(tzinfo=UTC)

    def now(self) -> datetime | None:
        """Give the time of the last answer (aware, whole seconds), None where no answer has told one."""
        return self._told
