"""Back pressure: no run is accepted while more wait than the last minute's rate would begin in a minute."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from engine.base.clock import Clock, timestamp
from engine.base.errors import TooManyRuns
from engine.store.runs import Backlog

_PERIOD_SECONDS = 60
_FRESH_SECONDS = 1.0
"""How long a count is used: counting 10,000 waiting runs takes about a millisecond."""


class Admission:
    """Whether more runs are accepted; any thread.

    `backlog`: see the port `Runs`. `least`: how many may wait in any case. Runs of triggers do not count while they
    wait for their turn: they have limits of their own.
    """

    def __init__(
        self,
        backlog: Callable[[str], Backlog],
        least: int,
        clock: Clock,
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:
        self._count, self._least, self._clock, self._stopwatch = backlog, least, clock, stopwatch
        self._lock = threading.Lock()
        self._counted_at = -math.inf
        self._backlog = Backlog(0, 0)

    def require(self) -> None:
        """Raise TooManyRuns, with the seconds after which enough will have begun, if there is no room."""
        waiting, ended = self._counted()
        most = max(self._least, ended)
        if waiting > most:
            too_many = (waiting - most) * _PERIOD_SECONDS / max(ended, 1)
            seconds = min(math.ceil(too_many), _PERIOD_SECONDS)
            raise TooManyRuns(waiting, most, retry_after_seconds=seconds)

    def _counted(self) -> Backlog:
        with self._lock:
            now = self._stopwatch()
            if now - self._counted_at >= _FRESH_SECONDS:
                since = self._clock() - timedelta(seconds=_PERIOD_SECONDS)
                self._backlog, self._counted_at = self._count(timestamp(since)), now
            return self._backlog
