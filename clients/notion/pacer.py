"""Keeps to Notion's three requests a second: requests wait for their turn, and all stop while Notion says wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import httpx

from clients.deadline import seconds_left
from clients.error_mapping import retry_after_seconds
from clients.errors import RateLimited
from clients.pacing.paces import OwnPaces, Paces, account_of

REQUESTS_PER_SECOND = 3.0
BURST = 5
"""Requests that may go at once after a pause: "some bursts beyond the average rate are allowed" (request limits)."""
_LONGEST_SECONDS = 3600.0
"""A time further ahead was written before a clock was set back."""


class Pacer:
    """Limits the rate of one account's requests, in all processes that share `paces`. Thread-safe.

    Its pace is the time at which the bucket will be full again; it holds BURST requests.
    """

    def __init__(
        self,
        requests_per_second: float,
        paces: Paces | None = None,
        token: str = "",
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._seconds_each = 1 / requests_per_second
        self._paces, self._account = paces or OwnPaces(), account_of("notion", token)
        self._clock, self._sleep = clock, sleep

    def before(self, request: httpx.Request) -> None:
        """Wait until a request may go. Raises RateLimited, with the wait, if the call's deadline is earlier."""
        wait = self._paces.change(self._account, self._reserved)
        if wait:
            self._sleep(wait)

    def after(self, response: httpx.Response) -> None:
        """Pause all further requests for as long as Notion asks (429, and 529 when it is overloaded)."""
        if response.status_code not in {429, 529}:
            return
        asked = retry_after_seconds(response.headers, datetime.now(UTC))
        # Requests may go BURST turns before the bucket is full, so the pause has to be longer by as many.
        held_until = self._clock() + (asked or 0) + BURST * self._seconds_each
        self._paces.change(self._account, lambda pace: (str(max(float(pace or 0), held_until)), None), is_hold=True)

    def _reserved(self, pace: str) -> tuple[str, float]:
        """Return the pace after one more request, and the seconds until that may go."""
        now = self._clock()
        known = float(pace or 0)
        full_at = max(now, known if known < now + _LONGEST_SECONDS else now) + self._seconds_each
        wait = max(0.0, full_at - now - BURST * self._seconds_each)
        if wait and wait >= seconds_left(None, httpx.ConnectTimeout):
            raise _too_soon(wait)
        return str(full_at), wait


def _too_soon(wait: float) -> RateLimited:
    return RateLimited(
        "Notion accepts three requests a second, and others are ahead of this one.",
        service="notion",
        retry_after_seconds=wait,
    )
