"""The moments in a run and in a look of a trigger at which a crash is worst: where tests of durability stop it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Point = Literal[
    "accepted",
    "before effect",
    "after effect",
    "after record",
    "before end",
    "after end",
    "before items",
    "after items",
    "before release",
    "after release",
]

hook: Callable[[Point], None] | None = None
"""Called at each of the points; None outside tests."""


def reached(point: Point) -> None:
    """Tell the hook, if there is one, that a run or a look has come to this point."""
    if hook is not None:
        hook(point)
