"""From a thing that a trigger has found to the inputs of a run."""

from __future__ import annotations

from typing import Any

from clients.errors import BadAnswer, InvalidRequest, NotFound, ServiceError
from engine.compiler.plan import Trigger
from engine.expressions.expressions import render
from engine.runner.coercion import fitted
from engine.runner.outside_values import plain_json, whole_text
from engine.trigger import Item

_FOR_GOOD = (NotFound, BadAnswer, InvalidRequest)
"""What a service says of one thing that it will say again: the others need not wait for it."""


def is_for_good(error: ServiceError) -> bool:
    """Tell whether a read that failed so will fail again; else the same look may succeed later."""
    return isinstance(error, _FOR_GOOD)


def inputs_of(trigger: Trigger, item: Item) -> dict[str, Any]:
    """Return the inputs of the run of a thing that was read. Raises ExpressionError."""
    value = fitted(plain_json(dict(item.value or {})), trigger.kind.item_schema())
    return dict(render(dict(trigger.inputs), {"item": value}))


def error_of(error: Exception) -> dict[str, str]:
    """Return what a row keeps of an error, without a trace."""
    message, remedy = getattr(error, "message", None), getattr(error, "remedy", "")
    if message is None:
        return {"type": "InternalError", "message": whole_text(f"{type(error).__name__}: {error}"), "remedy": ""}
    return {"type": type(error).__name__, "message": whole_text(str(message)), "remedy": whole_text(str(remedy))}
