"""Turn a checked expression into the one that CEL evaluates with plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.expressions.syntax import Names, checked, every, serialized_as

PART_OF_TEXT = "@substring"
"""Our `x.substring(from, to)`, with a name that nobody can write: CEL's refuses an end that is the end of the text."""
IN_ORDER = "@in_order"
"""Our function that returns the keys of an object, with a name that nobody can write."""
_BOUND, _UNUSED = "@range", "#unused"


def named(serialized: bytes, names: Names) -> bytes:
    """Return a serialized checked expression with its names put back, as CEL can evaluate it with plain data.

    Calls for which CEL has no sound implementation are made to ours, and macros go through the keys of an object in
    order.
    """
    found = checked(serialized)
    replaced = {_put_back(one, names) for one in every(found.expr) if _is_of_message(one)}
    replaced |= {_called_by_us(one) for one in every(found.expr) if _is_part_of_text(one)}
    for place in reversed(range(len(found.references))):
        if found.references[place].key in replaced:
            del found.references[place]  # CEL would put the message type in place of the name
    _put_keys_in_order(list(every(found.expr)), {one.key: one.value for one in found.types})
    return serialized_as(serialized, found)


def keys_in_order(value: Mapping[Any, Any]) -> list[Any]:
    """Return the sorted keys of an object."""
    return sorted(value, key=lambda key: (type(key).__name__, key))


def _is_of_message(expr: Any) -> bool:
    """Return whether this selects from a message literal: only we write any."""
    return bool(expr.WhichOneof("choice") == "select" and expr.select.operand.WhichOneof("choice") == "struct")


def _is_part_of_text(expr: Any) -> bool:
    return bool(expr.WhichOneof("choice") == "call" and expr.call.function == "substring" and len(expr.call.args) == 2)


def _called_by_us(expr: Any) -> int:
    expr.call.function = PART_OF_TEXT
    return int(expr.id)


def _put_back(expr: Any, names: Names) -> int:
    """Replace a select of the first message by the path it stands for; return the id of the replaced message."""
    path = names.get(expr.select.field, ())
    number = int(expr.select.operand.id)
    if len(path) == 1:
        expr.ident.name = path[0]
    elif path:
        expr.select.operand.ident.name, expr.select.field = path
    return number


def _put_keys_in_order(expressions: Iterable[Any], types: Mapping[int, Any]) -> None:
    """Change each macro of these expressions that makes a list of what may be an object.

    CEL's maps are unordered, and cel-expr-python goes through them in another order in each process: after a restart,
    the list would be another one.

    `x.map(…)` becomes `cel.bind(r, x, type(r) == type({}) ? @in_order(r) : r).map(…)`. `types` are by the ids of
    expressions, which come outer before inner.
    """
    found = [one for one in expressions if one.WhichOneof("choice") == "comprehension"]
    for one in reversed(found):  # inner before outer, which copies it
        over = one.comprehension.iter_range
        kind = types.get(over.id)
        is_list = over.WhichOneof("choice") == "list" or (kind is not None and kind.WhichOneof("choice") == "list_type")
        if one.comprehension.accu_init.WhichOneof("choice") == "list" and not is_list:
            over.CopyFrom(_in_order(over))


def _in_order(over: Any) -> Any:
    new = type(over)
    bound, empty = new(), new()
    bound.ident.name = _BOUND
    empty.struct.SetInParent()
    never, nothing = new(), new()
    never.constant.bool_value = False
    nothing.list.SetInParent()
    is_object = _call(new, "_==_", _call(new, "type", bound), _call(new, "type", empty))
    result = new()
    inner = result.comprehension
    inner.iter_var, inner.accu_var = _UNUSED, _BOUND
    for field, value in {
        "iter_range": nothing,
        "accu_init": over,
        "loop_condition": never,
        "loop_step": bound,
        "result": _call(new, "_?_:_", is_object, _call(new, IN_ORDER, bound), bound),
    }.items():
        getattr(inner, field).CopyFrom(value)
    return result


def _call(new: Any, function: str, *parts: Any) -> Any:
    made = new()
    made.call.function = function
    made.call.args.extend(parts)
    return made
