"""Limit the size of a workflow file and the time for checking it, so that one file cannot block a server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from engine.expressions.patterns import counted_patterns

MOST_STEPS = 5_000
SECONDS = 20.0
_REMEDY = "Split it: a step `workflow.run` starts another workflow."
_ends_at: ContextVar[float | None] = ContextVar("when checking a file has computed enough", default=None)


class TooComplex(Exception):
    """Checking the file takes too long; `message` and `remedy` are for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message, self.remedy = message, _REMEDY


@contextmanager
def limited() -> Iterator[None]:
    """Limit the time and the number of patterns used inside the block, on this thread."""
    token = _ends_at.set(time.thread_time() + SECONDS)  # on a busy machine, the clock would refuse good files
    try:
        with counted_patterns():
            yield
    finally:
        _ends_at.reset(token)


def require_time() -> None:
    """Raise TooComplex once the time is over."""
    ends_at = _ends_at.get()
    if ends_at is not None and time.thread_time() > ends_at:
        raise TooComplex(f"Checking this file computes for longer than the limit of {SECONDS:g} s.")


def require_few(steps: int) -> None:
    """Raise TooComplex if a file has too many steps."""
    if steps > MOST_STEPS:
        raise TooComplex(f"The file has {steps:,} steps; at most {MOST_STEPS:,} are allowed.")
