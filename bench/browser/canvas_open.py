"""The page of a workflow with 200 steps (`canvas.py`): the time from its address until the canvas is drawn."""

from __future__ import annotations

from typing import Any

from bench.base.figures import ROUNDS, absolute
from bench.browser.canvas import canvas, opened

WORK = "canvas_open"
GOAL_MS = 1000.0


def measure() -> dict[str, Any]:
    """Return the milliseconds of a page whose scripts the browser has kept; under `more` those of the first page."""
    with canvas() as (page, server):
        first = opened(page, server)
        found = [opened(page, server) for _ in range(ROUNDS)]
    return {**absolute(found, GOAL_MS, "ms"), "more": {"first": first}}
