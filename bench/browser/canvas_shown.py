"""A change of the canvas with 200 steps (`canvas.py`): the time from its key until it is drawn."""

from __future__ import annotations

from typing import Any

from bench.base.figures import absolute
from bench.browser.canvas import canvas, opened, shown

WORK = "canvas_shown"
GOAL_MS = 50.0
_SETTLE_MS = 3_000


def measure() -> dict[str, Any]:
    """Return the milliseconds of steps moved, removed and brought back in turn."""
    with canvas() as (page, server):
        opened(page, server)
        page.wait_for_timeout(_SETTLE_MS)
        found, processor = shown(page)
    times = [one for each in found.values() for one in each]
    return {**absolute(times, GOAL_MS, "ms"), "more": {**found, "processor": processor}}
