"""How often a read is sent again where a service stumbles: for what looks at services again and again by itself.

Steps have none: their attempts are the engine's to count, and each one is recorded.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator
from dataclasses import dataclass

from clients.sent import only_asks

STUMBLES = frozenset({500, 502, 503, 504})
"""Statuses that may be another at once (RFC 9110, 15.6)."""


@dataclass
class Patience:
    """What a thread may do about stumbles."""

    pauses_seconds: tuple[float, ...] = ()
    has_run_out: bool = False
    """Whether the last request was sent as often as it may be: what still fails then is not to be begun anew."""

    def pauses_before(self, method: str) -> Iterator[float]:
        """Give the pauses that a request of this method may take, one before each time that it is sent again."""
        self.has_run_out = False
        if self.pauses_seconds and only_asks(method):
            yield from self.pauses_seconds
            self.has_run_out = True


_patience: contextvars.ContextVar[Patience | None] = contextvars.ContextVar("patience", default=None)


@contextlib.contextmanager
def patience(*pauses_seconds: float) -> Iterator[Patience]:
    """Let every read that this thread sends inside be sent again after each of these pauses, until it is answered."""
    given = Patience(pauses_seconds)
    token = _patience.set(given)
    try:
        yield given
    finally:
        _patience.reset(token)


def present_patience() -> Patience:
    """Give the patience that what this thread sends has now; none where nobody gave it any."""
    return _patience.get() or Patience()
