"""Notion's three requests a second: a request waits until it may go, and none goes while Notion says wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import httpx

from clients.deadline import seconds_left
from clients.errors import RateLimited
from clients.failures import retry_after_seconds

REQUESTS_PER_SECOND = 3.0
BURST = 5
"""How many may go at once after a pause: "some bursts beyond the average rate are allowed" (request limits)."""


class Pacer:
    """Lets the requests of one connection pass at a rate. Threads may share it."""

    def __init__(
        self,
        requests_per_second: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._seconds_each = 1 / requests_per_second
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        # When the bucket is full again; it holds BURST requests.
        self._full_at = clock()

    def before(self, request: httpx.Request) -> None:
        """Wait until a request may go. Raises RateLimited, with the wait, where the call's time is too short."""
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
        """Hold all further requests for as long as Notion asks (429, and 529 when it is overloaded)."""
        if response.status_code not in {429, 529}:
            return
        asked = retry_after_seconds(response.headers, datetime.now(UTC))
        with self._lock:
            held_until = self._clock() + (asked or 0) + BURST * self._seconds_each
            self._full_at = max(self._full_at, held_until)


def _too_soon(wait: float) -> RateLimited:
    return RateLimited(
        "Notion takes three requests a second, and others are waiting before this one.",
        service="notion",
        retry_after_seconds=wait,
    )
