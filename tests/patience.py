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


def costs_less(seconds: float, work: Callable[[], Found]) -> Found:
    """Give what some work gives; fail if this thread needs more seconds for it, as a usual machine counts them.

    Three tries: on a busy machine, one of them may be slow for no reason of its own.
    """
    took = []
    for _ in range(3):
        began_at = time.thread_time()
        made = work()
        took.append(time.thread_time() - began_at)
        if took[-1] < seconds or took[-1] < seconds * slowness():
            return made
    raise AssertionError(f"it took {took} seconds in place of {seconds}")


def slowness() -> float:
    """Return how many times longer plain Python takes now than on the machine that limits were set on; at least 1.

    Processor time, too, grows on a busy machine: two threads share one core.
    """
    began_at = time.thread_time()
    sum(number & 3 for number in range(1_000_000))
    return max(1.0, (time.thread_time() - began_at) / _PLAIN_SECONDS)
