"""The time left for the requests of the current thread, obeyed by every read and write; and how others end them."""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from collections.abc import Callable, Iterator

IDLE_SECONDS = 60.0
"""Time limit of one read or write if neither a deadline nor the SDK sets one."""

LONGEST_ANSWER_SECONDS = 3600.0
"""Time limit of one answer that never falls silent, unless its step allows more."""
FIRST_WORD_SECONDS = 600.0
"""How long a model server on this machine or network may read before its first word: with two cores, a small model
reads 60 to 150 tokens a second, and other questions may be before this one."""


class TimeLimit:
    """How long the requests of a call may take: `seconds`, which begin anew while an answer arrives; `most` in all."""

    def __init__(self, seconds: float, most: float = 0.0) -> None:
        self.seconds, self._most = seconds, max(seconds, most)
        self.ends_at = self._ends_at_last = 0.0
        self.begin()

    def begin(self) -> None:
        """Count from now on."""
        now = time.monotonic()
        self.ends_at, self._ends_at_last = now + self.seconds, now + self._most

    def renew(self, at_least: float) -> None:
        """Count anew from now on; `at_least` so many seconds."""
        self.ends_at = min(time.monotonic() + max(self.seconds, at_least), self._ends_at_last)


_limits: contextvars.ContextVar[tuple[TimeLimit, ...]] = contextvars.ContextVar("limits", default=())


def deadline(seconds: float) -> contextlib.AbstractContextManager[None]:
    """Limit the total time of all requests of this thread: resolving names, connecting, every read and write.

    A nested deadline can only shorten the outer one. When time runs out, the current request raises
    `httpx.TimeoutException`.
    """
    return within(TimeLimit(seconds))


@contextlib.contextmanager
def within(limit: TimeLimit) -> Iterator[None]:
    """Limit the time of all requests of this thread, from now on; as `deadline`, but it can be renewed."""
    limit.begin()
    token = _limits.set((*_limits.get(), limit))
    try:
        yield
    finally:
        _limits.reset(token)


def answer_goes_on(at_least: float = 0.0) -> None:
    """Start the time limits of this thread anew, as an answer goes on; each is then `at_least` so many seconds.

    A limit that cannot be renewed stays as it is.
    """
    for limit in _limits.get():
        limit.renew(at_least)


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
    limits, cancellation = _limits.get(), _cancellation.get()
    if cancellation is not None and cancellation.is_over:
        raise expired("this call has been cancelled")
    if not limits:
        return IDLE_SECONDS if own is None else own
    left = min(limit.ends_at for limit in limits) - time.monotonic()
    if left <= 0:
        raise expired("this call has run out of time")
    return left if own is None else min(left, own)
