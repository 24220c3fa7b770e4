"""W1k: a chain of 1,000 steps beside one of 200: the cost of a step must not grow with the number of steps before it.

Both are ours, measured in turn; `limit` is the 200-step chain (W1).
"""

from __future__ import annotations

from typing import Any

from bench.base.figures import ROUNDS, beside
from bench.base.opened import opened
from bench.base.workspace import chain
from bench.runs.chain import STEPS, ran

WORK = "W1k"
LONG = 1000
GOAL = 1.06


def measure() -> dict[str, Any]:
    """Return milliseconds per step."""
    ours, limits = [], []
    with opened({"chain": chain(STEPS)}) as (short, _), opened({"chain": chain(LONG)}) as (long, _):
        ran(short), ran(long)
        for _ in range(ROUNDS):
            limits.append(1000 * ran(short)["duration_seconds"] / STEPS)
            ours.append(1000 * ran(long)["duration_seconds"] / LONG)
    return beside(ours, limits, GOAL, "ms/step")
