"""Limit how often one network may ask for something, in memory."""

from __future__ import annotations

import threading
import time
from collections import deque

from engine.people.login_limit import network_of
from engine.workflows.recent import Recent

_MOST_NETWORKS = 10_000
"""How many senders are remembered; beyond that, the least recent one is forgotten."""


class RateLimit:
    """Allows each network a number of requests in any period of some seconds. Thread-safe."""

    def __init__(self, requests: int, seconds: float) -> None:
        self._requests, self._seconds = requests, seconds
        self._by_network: Recent[str, deque[float]] = Recent(_MOST_NETWORKS, _MOST_NETWORKS)
        self._lock = threading.Lock()

    def wait_seconds(self, address: str) -> int:
        """Count a request; return 0 if it may go on, else after how many seconds the next one may."""
        now, network = time.monotonic(), network_of(address)
        with self._lock:
            times = self._by_network.get(network) or deque()
            self._by_network.keep(network, times, 1)
            while times and now - times[0] >= self._seconds:
                times.popleft()
            if len(times) >= self._requests:
                return max(1, int(times[0] + self._seconds - now) + 1)
            times.append(now)
            return 0
