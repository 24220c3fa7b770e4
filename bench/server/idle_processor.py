"""Processor time of an idle `orchestra serve`: parent and serving process, in percent of a core.

Five spans of 12 s each, one after the other.
"""

from __future__ import annotations

import time
from typing import Any

from bench.base.figures import ROUNDS, absolute
from bench.base.served import served

WORK = "idle_cpu"
GOAL = 0.5
_SPAN_SECONDS = 12.0


def measure() -> dict[str, Any]:
    """Return the percentage of a core."""
    found = []
    with served() as server:
        for _ in range(ROUNDS):
            before, began = server.processor_seconds(), time.monotonic()
            time.sleep(_SPAN_SECONDS)
            found.append(100 * (server.processor_seconds() - before) / (time.monotonic() - began))
    return absolute(found, GOAL, "% core")
