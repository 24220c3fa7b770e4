"""Bound the work of a call by the lines of Python that it executes: the same on every machine, however busy it is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def at_most(steps: int) -> Iterator[None]:
    """Fail as soon as what is done inside, in this thread, has executed more lines than this."""
    left = steps

    def count(_frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal left
        left -= event == "line"
        if left < 0:
            raise AssertionError(f"It takes more than {steps:,} steps.")
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        yield
    finally:
        sys.settrace(before)
