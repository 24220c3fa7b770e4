"""Deadlines: the time left for the requests of the current thread, obeyed by every read and write."""

from __future__ import annotations

import contextlib
import contextvars
import time
from collections.abc import Iterator

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


def seconds_left(own: float | None, expired: type[Exception]) -> float:
    """Return how long one operation may take; raise `expired` if the deadline has passed."""
    ends_at = _deadline.get()
    if ends_at is None:
        return IDLE_SECONDS if own is None else own
    left = ends_at - time.monotonic()
    if left <= 0:
        raise expired("this call has run out of time")
    return left if own is None else min(left, own)
