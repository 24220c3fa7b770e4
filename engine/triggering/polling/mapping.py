"""Map an item that a trigger has found to the inputs of a run."""

from __future__ import annotations

from typing import Any

from clients.errors import BadAnswer, InvalidRequest, NotFound, ServiceError
from engine.base.json_text import whole_text
from engine.base.plain_values import Keep, plain_json
from engine.compiler.definition.plan import Trigger
from engine.expressions.expressions import render
from engine.plugins.trigger import Item
from engine.record.coercion import fitted

_FOR_GOOD = (NotFound, BadAnswer, InvalidRequest)
"""Errors about a single item that will not go away: the other items need not wait for it."""


def is_for_good(error: ServiceError) -> bool:
    """Tell whether a failed read will always fail; otherwise the same poll may succeed later."""
    return isinstance(error, _FOR_GOOD)


def inputs_of(trigger: Trigger, item: Item, keep: Keep) -> dict[str, Any]:
    """Return the inputs of the run for an item that was read; `keep` stores its files. Raises ExpressionError."""
    found = plain_json(dict(item.value or {}), keep, is_given=_no_file)
    value = fitted(found, trigger.kind.item_schema_of(trigger.fields))
    return dict(render(dict(trigger.inputs), {"item": value}))


def _no_file(_place: str) -> bool:
    return False  # an item has the files that its trigger makes


def error_of(error: Exception) -> dict[str, str]:
    """Return what a row stores of an error, without a traceback."""
    message, remedy = getattr(error, "message", None), getattr(error, "remedy", "")
    if message is None:
        return {"type": "InternalError", "message": whole_text(f"{type(error).__name__}: {error}"), "remedy": ""}
    return {"type": type(error).__name__, "message": whole_text(str(message)), "remedy": whole_text(str(remedy))}
