"""Turn a checked expression into the one that CEL evaluates with plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.expressions.functions.lists import ARRANGE
from engine.expressions.syntax import ARRANGED, Names, checked, every, serialized_as

PART_OF_TEXT = "@substring"
"""Our `x.substring(from, to)`, with a name that nobody can write: CEL's refuses an end that is the end of the text."""
IN_ORDER = "@in_order"
"""Our function that returns the keys of an object, with a name that nobody can write."""
_BOUND = "@bound"
_OPTIONAL_PARTS = frozenset({"_?._", "_[?_]"})


def named(serialized: bytes, names: Names) -> bytes:
    """Return a serialized checked expression with its names put back, as CEL can evaluate it with plain data.

    Calls for which CEL has no sound implementation are made to ours, macros go through the keys of an object in order,
    and what is looked for in a null is missing.
    """
    found = checked(serialized)
    replaced = {_put_back(one, names) for one in every(found.expr) if _is_of_message(one)}
    replaced |= {_called_by_us(one) for one in every(found.expr) if _is_part_of_text(one)}
    for place in reversed(range(len(found.references))):  # from the end, so that earlier places keep their numbers
        if found.references[place].key in replaced:
            del found.references[place]  # CEL would put the message type in place of the name
    expressions = list(every(found.expr))[::-1]  # inner before outer, which copies it
    _put_keys_in_order(expressions, {one.key: one.value for one in found.types})
    _put_nothing_for_null(expressions)
    _put_arranged(expressions)
    return serialized_as(serialized, found)


def keys_in_order(value: Mapping[Any, Any], size: int) -> list[Any]:
    """Return the sorted keys of an object, which has `size` of them in CEL. Raises ValueError if Python has fewer.

    Python takes 1 and true for the same key, as well as 0 and false.
    """
    if len(value) != size:
        raise ValueError(f"truth values as keys: {size - len(value)} lost")
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

    `x.map(…)` becomes `cel.bind(v, x, type(v) == type({}) ? @in_order(v, size(v)) : v).map(…)`. `types` are by the ids
    of expressions.
    """
    for one in expressions:
        if one.WhichOneof("choice") != "comprehension":
            continue
        over = one.comprehension.iter_range
        kind = types.get(over.id)
        is_list = over.WhichOneof("choice") == "list" or (kind is not None and kind.WhichOneof("choice") == "list_type")
        if one.comprehension.accu_init.WhichOneof("choice") == "list" and not is_list:
            new = type(over)
            is_object = _call(new, "_==_", _call(new, "type", _bound(new)), _call(new, "type", _no_fields(new)))
            in_order = _call(new, IN_ORDER, _bound(new), _call(new, "size", _bound(new)))
            over.CopyFrom(_bind(over, _call(new, "_?_:_", is_object, in_order, _bound(new))))


def _put_nothing_for_null(expressions: Iterable[Any]) -> None:
    """Change each optional part of a path: null has no fields and no items, where CEL gives an error.

    `x.?a.?b` becomes `cel.bind(v, x.?a.orValue({}), v == null ? {} : v).?b`.
    """
    for one in expressions:
        if _function(one) not in _OPTIONAL_PARTS or not (_is_path(one.call.args[0]) or _is_optional(one.call.args[0])):
            continue
        holder, new = one.call.args[0], type(one)
        null = new()
        null.constant.null_value = 0
        value = holder
        if _is_optional(holder):
            value = _call(new, "orValue", _no_fields(new))
            value.call.target.CopyFrom(holder)
        is_null = _call(new, "_==_", _bound(new), null)
        holder.CopyFrom(_bind(value, _call(new, "_?_:_", is_null, _no_fields(new), _bound(new))))


def _put_arranged(expressions: Iterable[Any]) -> None:
    """Change each macro of ours, which has been checked as a filter, into a call of our function.

    `x.filter(each, _arranged('sort', []))` becomes `@arrange('sort', x, [])`; for `sortBy`, the items become pairs of
    key and item first: `@arrange('sortBy', x.map(each, [key, each]), [])`.
    """
    for one in expressions:
        condition = _arranging(one)
        if condition is None:
            continue
        new, items = type(one), type(one)()
        macro, arguments = condition.call.args
        if macro.constant.string_value == "sortBy":
            items.CopyFrom(one)
            added, pair = one.comprehension.loop_step.call.args[1], new()
            pair.list.elements.extend([*arguments.list.elements, *added.call.args[1].list.elements])
            items.comprehension.loop_step.CopyFrom(added)
            items.comprehension.loop_step.call.args[1].list.elements[0].CopyFrom(pair)
            no_arguments = new()
            no_arguments.list.SetInParent()
            arguments = no_arguments
        else:
            items.CopyFrom(one.comprehension.iter_range)
        one.CopyFrom(_call(new, ARRANGE, macro, items, arguments))


def _arranging(expr: Any) -> Any:
    """Return the condition of a macro of ours, None for any other expression."""
    step = expr.comprehension.loop_step if expr.WhichOneof("choice") == "comprehension" else None
    if step is None or _function(step) != "_?_:_" or _function(step.call.args[0]) != ARRANGED:
        return None
    return step.call.args[0]


def _function(expr: Any) -> str:
    return str(expr.call.function) if expr.WhichOneof("choice") == "call" else ""


def _is_path(expr: Any) -> bool:
    return expr.WhichOneof("choice") in ("ident", "select") or _function(expr) == "_[_]"


def _is_optional(path: Any) -> bool:
    """Return whether a path has an optional part: so has its value, then, and what is selected from it."""
    while _is_path(path) and path.WhichOneof("choice") != "ident":
        path = path.select.operand if path.WhichOneof("choice") == "select" else path.call.args[0]
    return _function(path) in _OPTIONAL_PARTS


def _bind(value: Any, result: Any) -> Any:
    """Return what CEL makes of `cel.bind(v, value, result)`: a macro over no item."""
    new = type(value)
    made = new()
    made.comprehension.iter_var, made.comprehension.accu_var = "#unused", _BOUND
    made.comprehension.iter_range.list.SetInParent()
    made.comprehension.accu_init.CopyFrom(value)
    made.comprehension.loop_condition.constant.bool_value = False
    made.comprehension.loop_step.CopyFrom(_bound(new))
    made.comprehension.result.CopyFrom(result)
    return made


def _bound(new: Any) -> Any:
    made = new()
    made.ident.name = _BOUND
    return made


def _no_fields(new: Any) -> Any:
    made = new()
    made.struct.SetInParent()
    return made


def _call(new: Any, function: str, *parts: Any) -> Any:
    made = new()
    made.call.function = function
    made.call.args.extend(parts)
    return made
