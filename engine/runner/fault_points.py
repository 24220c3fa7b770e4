"""The moments in a run at which a crash is worst, by name: where tests of durability stop the process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Point = Literal["accepted", "before effect", "after effect", "after record", "before end", "after end"]

hook: Callable[[Point], None] | None = None
"""Called at each of the points; None outside tests."""


def reached(point: Point) -> None:
    """Tell the hook, if there is one, that a run has come to this point."""
    if hook is not None:
        hook(point)
