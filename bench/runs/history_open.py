"""W5, open: the cost of opening an ended run of 200 steps, beyond reading and parsing its log file.

The two are measured in turn; the figure is the difference.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from bench.base.figures import absolute
from bench.base.opened import opened
from bench.base.workspace import OWNER, chain
from bench.runs.history import fill
from engine.base.names import run_day

WORK = "W5_open"
GOAL = 10.0
_TIMES = 25


def measure() -> dict[str, Any]:
    """Return milliseconds."""
    with opened({"chain": chain(200)}) as (orchestra, root):
        fill(orchestra, 10_000)
        run_id = orchestra.runs.start(OWNER, "chain", {})
        orchestra.runs.wait(OWNER, run_id, 60)
        path = root / "logs" / run_day(run_id) / f"{run_id}.json"
        found = []
        for _ in range(_TIMES):
            plain = _milliseconds(lambda: json.loads(path.read_text(encoding="utf-8")))
            found.append(_milliseconds(lambda: orchestra.runs.get(OWNER, run_id)) - plain)
    return absolute(found, GOAL, "ms")


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)
