"""`GET /api/workflows`: the calls per second of 16 clients, beside those of one (`rest.py`)."""

from __future__ import annotations

from typing import Any

from bench.server.rest import gained

WORK = "rest_workflows"
GOAL = 1.5


def measure() -> dict[str, Any]:
    """Return calls per second."""
    return gained("/api/workflows", GOAL)
