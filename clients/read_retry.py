"""How often a read is retried after a temporary server error: for the polling that the program does by itself.

Steps do not use it: the engine counts and records their attempts.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator

from msgspec import Struct

from clients.request_tracking import only_asks

STUMBLES = frozenset({500, 502, 503, 504})
"""Statuses that may pass at once (RFC 9110, 15.6)."""


class ReadRetryPolicy(Struct):
    """The retry policy of a thread."""

    pauses_seconds: tuple[float, ...] = ()
    has_run_out: bool = False
    """Whether the last request used up its retries: a caller should not retry it again."""

    def pauses_before(self, method: str) -> Iterator[float]:
        """Yield the pauses before each retry of a request with this method."""
        self.has_run_out = False
        if self.pauses_seconds and only_asks(method):
            yield from self.pauses_seconds
            self.has_run_out = True


_patience: contextvars.ContextVar[ReadRetryPolicy | None] = contextvars.ContextVar("patience", default=None)


@contextlib.contextmanager
def retrying_reads(*pauses_seconds: float) -> Iterator[ReadRetryPolicy]:
    """Retry every read of this thread after each of these pauses, until it succeeds."""
    given = ReadRetryPolicy(pauses_seconds)
    token = _patience.set(given)
    try:
        yield given
    finally:
        _patience.reset(token)


def present_retry_policy() -> ReadRetryPolicy:
    """Return the retry policy of the current thread; if it has none, one without retries."""
    return _patience.get() or ReadRetryPolicy()
