"""Ten pages of a live run of 20 items a second (`live_pages.py`): the percentage of a core that they take."""

from __future__ import annotations

from typing import Any

from bench.base.figures import absolute
from bench.server.live_pages import measured_pages

WORK = "pages_cpu"
GOAL = 5.0
_ITEMS = 2_500


def measure() -> dict[str, Any]:
    """Return the percentage of a core, the memory of the server, and the response time of `/health`."""
    found = measured_pages(_ITEMS)
    return {**absolute(found["percent"], GOAL, "% core"), "more": found}
