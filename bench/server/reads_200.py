"""200 clients that read at once for 30 s (`rest.py`): the 99th percentile of the duration of a read, in ms."""

from __future__ import annotations

from typing import Any

from bench.base.figures import absolute
from bench.server.rest import mixed_reads

WORK = "reads_200_p99"
GOAL = 250.0


def measure() -> dict[str, Any]:
    """Return milliseconds, with the reads per second and the median."""
    calls = mixed_reads(200, 30.0)
    seconds = calls.seconds
    found = {"per_second": calls.per_second, "p50_ms": 1000 * seconds[len(seconds) // 2]}
    return {**absolute([1000 * seconds[int(0.99 * len(seconds))]], GOAL, "ms"), "more": found}
