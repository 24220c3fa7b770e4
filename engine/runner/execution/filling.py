"""Evaluate expressions for a run: at once if they are cheap, else in a thread, so that the loop is not blocked."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from engine.base.expression_limits import SECONDS_TOGETHER, ExpressionTooCostly, cheaply, costly
from engine.base.threads import WorkerThreads

Result = TypeVar("Result")

_workers = WorkerThreads("expressions", 2)


async def worked_out(work: Callable[..., Result], *given: Any) -> Result:
    """Return the result of `work` with what it is given; if an expression in it is costly, start again in a thread."""
    begun = partial(work, *given)
    try:
        return cheaply(begun)
    except ExpressionTooCostly:
        result: Result = await _workers.run(partial(_in_time, begun))
        return result


def _in_time(work: Callable[[], Result]) -> Result:
    with costly(SECONDS_TOGETHER):
        return work()
