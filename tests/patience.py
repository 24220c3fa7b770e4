"""How long a test waits: as long as a loaded machine may take. Nobody waits for it all but who would fail anyway."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

PATIENCE_SECONDS = 90.0
_PLAIN_SECONDS = 0.034


def until(look: Callable[[], Found], what: str = "it") -> Found:
    """Look again and again until there is something to see, and give that; fail when patience is over."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < ends_at, f"waited in vain for {what}"
        time.sleep(0.005)
    return found


def lasting(seconds: float) -> float:
    """Return the limit in processor time for work that takes so many seconds on the machine that limits were set on.

    It is three times as long, and longer still where plain Python is slower: processor time grows on a busy machine,
    too, as two threads share one core. What such a test guards against takes minutes; `make bench` measures speed.
    """
    began_at = time.thread_time()
    sum(number & 3 for number in range(1_000_000))
    return 3 * seconds * max(1.0, (time.thread_time() - began_at) / _PLAIN_SECONDS)
