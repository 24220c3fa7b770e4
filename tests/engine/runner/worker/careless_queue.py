"""A queue that keeps the least that is promised: it delivers late, in another order, and everything twice."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

from engine.runner.worker.queue import Work

_LATE_SECONDS = (0.03, 0.12)


class CarelessQueue:
    """What is put within a moment is delivered in reverse order, and a moment later once more."""

    delivers_at_once = True

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[str] = []
        self._again: list[str] = []
        self._is_closed = False

    def look(self) -> None:
        """Do nothing."""

    def put(self, run_id: str, *, after_seconds: float = 0.0) -> None:
        """Keep an entry."""
        if after_seconds:
            self._loop.call_soon_threadsafe(self._loop.call_later, after_seconds, self.put_many, [run_id])
        else:
            self.put_many([run_id])

    def put_many(self, run_ids: Sequence[str]) -> None:
        """Keep entries."""
        with self._lock:
            self._entries += run_ids
        for seconds in _LATE_SECONDS:
            self._loop.call_soon_threadsafe(self._loop.call_later, seconds, self._deliver)

    def work(self, work: Work) -> None:
        """Begin."""
        self._loop, self._work = asyncio.get_running_loop(), work

    def depth(self) -> int:
        """Count what is kept."""
        with self._lock:
            return len(self._entries) + len(self._again)

    @property
    def is_drained(self) -> bool:
        return False

    def fresh_acceptance(self, run_id: str) -> str | None:
        return None

    def join(self) -> None:
        """Nothing is taken."""

    def close(self) -> None:
        """End."""
        self._is_closed = True

    def _deliver(self) -> None:
        with self._lock:
            delivered = [*reversed(self._entries), *self._again]
            self._entries, self._again = [], self._entries
        if not self._is_closed:
            for run_id in delivered:
                self._work(run_id)
