"""The worst moments for a crash in a run, a poll, a correction, a message or a notice: tests stop the process there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Point = Literal[
    "accepted",
    "before effect",
    "after effect",
    "after record",
    "model failed",
    "before end",
    "after end",
    "after wait",
    "before hints",
    "after hints",
    "before items",
    "after items",
    "before release",
    "after release",
    "before redo",
    "after redo",
    "before acknowledgement",
    "before notice",
    "after notice",
    "after sending",
]

hook: Callable[[Point], None] | None = None
"""Called at each point; None outside tests."""


def reached(point: Point) -> None:
    """Call the hook, if any, when work reaches this point."""
    if hook is not None:
        hook(point)
