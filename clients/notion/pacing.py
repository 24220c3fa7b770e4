"""Keeps to Notion's three requests a second: requests wait for their turn, and all stop while Notion says wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import httpx

from clients.deadline import seconds_left
from clients.error_mapping import retry_after_seconds
from clients.errors import RateLimited

REQUESTS_PER_SECOND = 3.0
BURST = 5
"""Requests that may go at once after a pause: "some bursts beyond the average rate are allowed" (request limits)."""


class Pacer:
    """Limits the rate of one connection's requests. Thread-safe."""

    def __init__(
        self,
        requests_per_second: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._seconds_each = 1 / requests_per_second
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        # When the bucket will be full again; it holds BURST requests.
        self._full_at = clock()

    def before(self, request: httpx.Request) -> None:
        """Wait until a request may go. Raises RateLimited, with the wait, if the call's deadline is earlier."""
        with self._lock:
            now = self._clock()
            full_at = max(self._full_at, now) + self._seconds_each
            wait = max(0.0, full_at - now - BURST * self._seconds_each)
            if wait and wait >= seconds_left(None, httpx.ConnectTimeout):
                raise _too_soon(wait)
            self._full_at = full_at
        if wait:
            self._sleep(wait)

    def after(self, response: httpx.Response) -> None:
        """Pause all further requests for as long as Notion asks (429, and 529 when it is overloaded)."""
        if response.status_code not in {429, 529}:
            return
        asked = retry_after_seconds(response.headers, datetime.now(UTC))
        with self._lock:
            held_until = self._clock() + (asked or 0) + BURST * self._seconds_each
            self._full_at = max(self._full_at, held_until)


def _too_soon(wait: float) -> RateLimited:
    return RateLimited(
        "Notion accepts three requests a second, and others are ahead of this one.",
        service="notion",
        retry_after_seconds=wait,
    )
