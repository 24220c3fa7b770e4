"""Ten pages of a live run that has done 2,000 steps (`live_pages.py`): the percentage of a core that they use."""

from __future__ import annotations

from typing import Any

from bench.base.figures import absolute
from bench.server.live_pages import measured_pages

WORK = "pages_2000_cpu"
GOAL = 10.0
_DONE = 2_000


def measure() -> dict[str, Any]:
    """Return the percentage of a core, the memory of the server, and the response time of `/health`."""
    found = measured_pages(2 * _DONE, _DONE)
    return {**absolute(found["percent"], GOAL, "% core"), "more": found}
