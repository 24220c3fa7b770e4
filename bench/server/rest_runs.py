"""`GET /api/runs`: the calls per second of 16 clients, beside those of one (`rest.py`)."""

from __future__ import annotations

from typing import Any

from bench.server.rest import gained

WORK = "rest_runs"
GOAL = 1.5


def measure() -> dict[str, Any]:
    """Return calls per second."""
    return gained("/api/runs", GOAL)
