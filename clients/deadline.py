"""How much time is left for what a thread sends: set around a call, obeyed by every read and write inside."""

from __future__ import annotations

import contextlib
import contextvars
import time
from collections.abc import Iterator

IDLE_SECONDS = 60.0
"""How long one read or write may take where neither a deadline nor the SDK says."""

_deadline: contextvars.ContextVar[float | None] = contextvars.ContextVar("deadline", default=None)


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Limit the total time of everything that this thread sends inside: names, connects, every read and write.

    Nested deadlines only shorten. When the time is over the running request ends with an `httpx.TimeoutException`.
    """
    ends_at = time.monotonic() + seconds
    outer = _deadline.get()
    token = _deadline.set(ends_at if outer is None else min(ends_at, outer))
    try:
        yield
    finally:
        _deadline.reset(token)


def seconds_left(own: float | None, expired: type[Exception]) -> float:
    """Give the time that one operation may take; raise `expired` when the deadline has passed."""
    ends_at = _deadline.get()
    if ends_at is None:
        return IDLE_SECONDS if own is None else own
    left = ends_at - time.monotonic()
    if left <= 0:
        raise expired("the time for this call is over")
    return left if own is None else min(left, own)
