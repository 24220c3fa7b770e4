"""`POST /workflows/execute`: the runs per second that 16 clients start (`rest.py`)."""

from __future__ import annotations

from typing import Any

from bench.server.rest import executed

WORK = "rest_execute"
GOAL = 500.0


def measure() -> dict[str, Any]:
    """Return runs per second."""
    return executed(GOAL)
