"""Resident memory of `orchestra serve` before any page is opened: the parent and the serving process together."""

from __future__ import annotations

import time
from typing import Any

from bench.base.figures import ROUNDS, absolute
from bench.base.served import served

WORK = "idle_mib"
GOAL = 115.0


def measure() -> dict[str, Any]:
    """Return mebibytes."""
    found = []
    with served() as server:
        for _ in range(ROUNDS):
            found.append(server.mebibytes())
            time.sleep(1)
    return absolute(found, GOAL, "MiB")
