"""W6_different: 20 steps that each turn 5 MB into 5 MB of their own; the limit is in large_values.py."""

from __future__ import annotations

from typing import Any

from bench.base.figures import ROUNDS, beside
from bench.base.opened import opened
from bench.runs.large_values import STEPS, LargeLimit, seconds, text, workflow

WORK = "W6_different"
GOAL = 1.3


def measure() -> dict[str, Any]:
    """Return milliseconds per run."""
    values = ["{{ inputs.text }}", *(f"{n} {{{{ inputs.text }}}}" for n in range(1, STEPS))]
    ours, limits = [], []
    with opened({"different": workflow(values)}) as (orchestra, root):
        limit = LargeLimit(root)
        seconds(orchestra, "different", text(0)), limit.seconds([text(0)])
        for number in range(1, ROUNDS + 1):
            given = text(number)
            limits.append(1000 * limit.seconds([given, *(f"{n} {given}" for n in range(1, STEPS))]))
            ours.append(1000 * seconds(orchestra, "different", given))
            kept = list(orchestra.workspace.logs.glob("*/*.files/*"))
            assert len(kept) == STEPS * (number + 1), "each value is kept once"
    return beside(ours, limits, GOAL, "ms")
