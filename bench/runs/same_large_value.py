"""W6_same: 20 steps that pass on the same 5 MB; the limit is in large_values.py."""

from __future__ import annotations

from typing import Any

from bench.base.figures import ROUNDS, beside
from bench.base.opened import opened
from bench.runs.large_values import STEPS, LargeLimit, seconds, text, workflow

WORK = "W6_same"
GOAL = 1.5


def measure() -> dict[str, Any]:
    """Return milliseconds per run."""
    values = ["{{ inputs.text }}", *(f"{{{{ steps.s{n - 1}.output.v }}}}" for n in range(1, STEPS))]
    ours, limits = [], []
    with opened({"same": workflow(values)}) as (orchestra, root):
        limit = LargeLimit(root)
        seconds(orchestra, "same", text(0)), limit.seconds([text(0)])
        for number in range(1, 3 * ROUNDS + 1):
            limits.append(1000 * limit.seconds([text(number)]))
            ours.append(1000 * seconds(orchestra, "same", text(number)))
            kept = list(orchestra.workspace.logs.glob("*/*.files/*"))
            assert len(kept) == number + 1, "each run keeps its value once"
    return beside(ours, limits, GOAL, "ms")
