"""How long a test waits: as long as a loaded machine may take. Nobody waits for it all but who would fail anyway."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

PATIENCE_SECONDS = 90.0
_PLAIN_SECONDS = 0.034
_SHORTEST_SECONDS = 0.005
_LONGEST_SECONDS = 0.2
"""Between two looks."""


def until(look: Callable[[], Found], what: str = "it") -> Found:
    """Look again and again until there is something to see, and give that; fail when patience is over.

    What takes long to look at is looked at less often: else the looks would keep from working what they wait for.
    """
    ends_at = time.monotonic() + PATIENCE_SECONDS
    began_at = time.monotonic()
    while not (found := look()):
        now = time.monotonic()
        assert now < ends_at, f"waited in vain for {what}"
        time.sleep(min(max(_SHORTEST_SECONDS, 2 * (now - began_at)), _LONGEST_SECONDS))
        began_at = time.monotonic()
    return found


def slowness() -> float:
    """Return how many times longer plain Python takes now than on the machine that limits were set on; at least 1.

    Processor time, too, grows on a busy machine: two threads share one core.
    """
    began_at = time.thread_time()
    sum(number & 3 for number in range(1_000_000))
    return max(1.0, (time.thread_time() - began_at) / _PLAIN_SECONDS)
