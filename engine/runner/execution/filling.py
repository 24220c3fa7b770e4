"""Evaluate expressions for a run: at once if they are cheap, else in a thread, so that the loop is not blocked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from engine.base.expression_limits import SECONDS_TOGETHER, ExpressionTooCostly, cheaply, costly
from engine.base.threads import WorkerThreads
from engine.expressions.expressions import render_field

Result = TypeVar("Result")

_workers = WorkerThreads("expressions", 2)


async def worked_out(work: Callable[[], Result]) -> Result:
    """Return the result of `work`; if an expression in it is costly, start again in a thread."""
    try:
        return cheaply(work)
    except ExpressionTooCostly:
        result: Result = await _workers.run(partial(_in_time, work))
        return result


async def filled(place: str, tree: Any, names: Mapping[str, Any]) -> Any:
    """Return the value of the tree of one field. Raises ExpressionError."""
    work = partial(render_field, place, tree, names)
    try:
        return cheaply(work)
    except ExpressionTooCostly:  # as in `worked_out`, which would be one call more for each field
        return await _workers.run(partial(_in_time, work))


def _in_time(work: Callable[[], Result]) -> Result:
    with costly(SECONDS_TOGETHER):
        return work()
