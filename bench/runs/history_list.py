"""W5, list: the newest 50 runs of a status among 10,000, through the engine's public API.

The median of 200 lists. With 100,000 runs, the same list may take at most twice as long.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from bench.base.figures import ROUNDS, absolute
from bench.base.opened import opened
from bench.base.workspace import OWNER, chain
from bench.runs.history import fill
from engine.orchestra import Orchestra

WORK = "W5_list"
GOAL = 1.3
_FEW, _MANY = 10_000, 100_000
_LISTS = 200


def measure() -> dict[str, Any]:
    """Return milliseconds per list."""
    with opened({"chain": chain(1)}) as (orchestra, _):
        fill(orchestra, _FEW)
        few = [_milliseconds(orchestra) for _ in range(ROUNDS)]
        fill(orchestra, _MANY - _FEW)
        many = [_milliseconds(orchestra) for _ in range(ROUNDS)]
    growth = statistics.median(many) / statistics.median(few)
    assert growth <= 2.0, f"with {_MANY:,} runs the list takes {growth:.2f} times as long"
    return absolute(few, GOAL, "ms")


def _milliseconds(orchestra: Orchestra) -> float:
    found = []
    for _ in range(_LISTS):
        began = time.perf_counter()
        page = orchestra.runs.list(OWNER, status="failed", limit=50)
        found.append(1000 * (time.perf_counter() - began))
        assert len(page.rows) == 50
    return statistics.median(found)
