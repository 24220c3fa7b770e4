"""Limit how often one network may ask for something, in memory."""

from __future__ import annotations

import threading
import time
from collections import deque

from engine.people.login_limit import network_of
from engine.workflows.recent import Recent

_MOST_NETWORKS = 10_000
"""How many senders are remembered; beyond that, the least recent one is forgotten."""

_MOST_TIMES = 200_000
"""How many requests are remembered, of all senders together: 32 bytes each."""


class RateLimit:
    """Allows each network a number of requests in any period of some seconds. Thread-safe."""

    def __init__(self, requests: int, seconds: float) -> None:
        self._requests, self._seconds = requests, seconds
        self._by_network: Recent[str, deque[float]] = Recent(_MOST_NETWORKS, _MOST_TIMES)
        self._lock = threading.Lock()

    def wait_seconds(self, address: str) -> int:
        """Count a request; return 0 if it may go on, else after how many seconds the next one may."""
        return self.wait_seconds_of(network_of(address))

    def wait_seconds_of(self, sender: str) -> int:
        """Do the same for a sender that something other than its address identifies, such as a token."""
        now = time.monotonic()
        with self._lock:
            times = self._by_network.get(sender) or deque()
            while times and now - times[0] >= self._seconds:
                times.popleft()
            is_over = len(times) >= self._requests
            if not is_over:
                times.append(now)
            self._by_network.keep(sender, times, len(times))
            return max(1, int(times[0] + self._seconds - now) + 1) if is_over else 0
