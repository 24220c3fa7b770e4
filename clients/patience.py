"""How often a read is sent again where a service stumbles: for what looks at services again and again by itself.

Steps have none: their attempts are the engine's to count, and each one is recorded.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator

STUMBLES = frozenset({500, 502, 503, 504})
"""Statuses that may be another at once (RFC 9110, 15.6)."""

_pauses: contextvars.ContextVar[tuple[float, ...]] = contextvars.ContextVar("pauses", default=())


@contextlib.contextmanager
def patience(*pauses_seconds: float) -> Iterator[None]:
    """Let every GET that this thread sends inside be sent again after each of these pauses, until it is answered."""
    token = _pauses.set(pauses_seconds)
    try:
        yield
    finally:
        _pauses.reset(token)


def pauses_before(method: str) -> tuple[float, ...]:
    """Give the pauses that a request of this method may take."""
    return _pauses.get() if method == "GET" else ()
