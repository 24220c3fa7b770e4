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


def slowness() -> float:
    """Return how many times longer plain Python takes now than on the machine that limits were set on; at least 1.

    Processor time, too, grows on a busy machine: two threads share one core.
    """
    began_at = time.thread_time()
    sum(number & 3 for number in range(1_000_000))
    return max(1.0, (time.thread_time() - began_at) / _PLAIN_SECONDS)
