"""The time left for the requests of the current thread, obeyed by every read and write; and how others end them."""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from collections.abc import Callable, Iterator

IDLE_SECONDS = 60.0
"""Time limit of one read or write if neither a deadline nor the SDK sets one."""

_deadline: contextvars.ContextVar[float | None] = contextvars.ContextVar("deadline", default=None)


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Limit the total time of all requests of this thread: resolving names, connecting, every read and write.

    A nested deadline can only shorten the outer one. When time runs out, the current request raises
    `httpx.TimeoutException`.
    """
    ends_at = time.monotonic() + seconds
    outer = _deadline.get()
    token = _deadline.set(ends_at if outer is None else min(ends_at, outer))
    try:
        yield
    finally:
        _deadline.reset(token)


class CancellationToken:
    """Ends the requests of one call from another thread, so that a server does not go on with what nobody waits for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: list[Callable[[], None]] = []
        self.is_over = False

    def now(self) -> None:
        """End what the call is reading or writing; it begins nothing more. Harmless if it has ended."""
        with self._lock:
            self.is_over = True
            for end in self._ends:
                end()

    @contextlib.contextmanager
    def during(self, end: Callable[[], None]) -> Iterator[None]:
        """Have `end` called, from another thread, if the call is to end inside."""
        with self._lock:
            if self.is_over:
                end()
            self._ends.append(end)
        try:
            yield
        finally:
            with self._lock:
                self._ends.remove(end)


_cancellation: contextvars.ContextVar[CancellationToken | None] = contextvars.ContextVar("cancellation", default=None)


@contextlib.contextmanager
def ended_by(cancellation: CancellationToken) -> Iterator[None]:
    """Let all requests of this thread be ended by `cancellation`."""
    token = _cancellation.set(cancellation)
    try:
        yield
    finally:
        _cancellation.reset(token)


def interruptible(end: Callable[[], None]) -> contextlib.AbstractContextManager[None]:
    """Have `end` called if the call of this thread is ended from outside while it is inside."""
    cancellation = _cancellation.get()
    return contextlib.nullcontext() if cancellation is None else cancellation.during(end)


def seconds_left(own: float | None, expired: type[Exception]) -> float:
    """Return how long one operation may take; raise `expired` if the deadline has passed, or the call was ended."""
    ends_at, cancellation = _deadline.get(), _cancellation.get()
    if cancellation is not None and cancellation.is_over:
        raise expired("this call has been cancelled")
    if ends_at is None:
        return IDLE_SECONDS if own is None else own
    left = ends_at - time.monotonic()
    if left <= 0:
        raise expired("this call has run out of time")
    return left if own is None else min(left, own)
