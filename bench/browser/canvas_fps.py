"""The canvas with 200 steps (`canvas.py`): frames per second while the wheel pans and zooms it."""

from __future__ import annotations

from typing import Any

from bench.base.figures import absolute
from bench.browser.canvas import canvas, frames_per_second, opened

WORK = "canvas_fps"
GOAL = 30.0
_SETTLE_MS = 3_000


def measure() -> dict[str, Any]:
    """Return the frames per second of the slower of the two."""
    with canvas() as (page, server):
        opened(page, server)
        page.wait_for_timeout(_SETTLE_MS)
        found = frames_per_second(page)
    return {**absolute([min(found.values())], GOAL, "frames/s"), "more": found}
