"""The conditions of n8n's If, Filter and Switch, in the forms of its versions 1 and 2, as expressions of CEL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from engine.workflows.n8n.export import Json, objects
from engine.workflows.n8n.functions import Cel, Untranslatable, is_null, quoted, text_part, truth_of
from engine.workflows.n8n.script import ScriptNames
from engine.workflows.n8n.texts import operand_of

_SIGNS = {
    "equals": "{0} == {1}",
    "notEquals": "{0} != {1}",
    "contains": "{0}.contains({1})",
    "notContains": "!{0}.contains({1})",
    "startsWith": "{0}.startsWith({1})",
    "notStartsWith": "!{0}.startsWith({1})",
    "endsWith": "{0}.endsWith({1})",
    "notEndsWith": "!{0}.endsWith({1})",
    "gt": "{0} > {1}",
    "lt": "{0} < {1}",
    "gte": "{0} >= {1}",
    "lte": "{0} <= {1}",
    "lengthGt": "size({0}) > {1}",
    "lengthLt": "size({0}) < {1}",
    "lengthEquals": "size({0}) == {1}",
}
_OF_VERSION_1 = {
    "equal": "equals",
    "notEqual": "notEquals",
    "larger": "gt",
    "largerEqual": "gte",
    "smaller": "lt",
    "smallerEqual": "lte",
    "isEmpty": "empty",
    "isNotEmpty": "notEmpty",
}
_FIRST = {"number": "smaller", "dateTime": "after"}
"""What version 1 leaves out of a file, by type; of the others it is `equal`."""
_ZERO: Mapping[str, Any] = {"number": 0, "boolean": False}
"""The values that version 1 leaves out, by type; of the others it is an empty text."""
_TIMES = {"after": "gt", "before": "lt", "afterOrEquals": "gte", "beforeOrEquals": "lte"}
_EMPTY = {"array": "size({0}) == 0", "object": "size({0}) == 0"}
_PATTERN = re.compile(r"/(.*)/([a-z]*)\Z", re.DOTALL)


def condition(found: Json, names: ScriptNames) -> str:
    """Return the CEL of the conditions of a node. Raises Untranslatable."""
    inner = found.get("conditions")
    if not isinstance(inner, Mapping):
        raise Untranslatable
    if isinstance(inner.get("conditions"), list):
        options = [one for one in (inner.get("options"), found.get("options")) if isinstance(one, Mapping)]
        is_exact = not any(one.get("caseSensitive") is False or one.get("ignoreCase") is True for one in options)
        is_loose = found.get("looseTypeValidation") is True or any(
            one.get("typeValidation") == "loose" or one.get("looseTypeValidation") is True for one in options
        )
        parts = [_second(one, names, is_exact=is_exact, is_loose=is_loose) for one in inner["conditions"]]
        sign = " || " if inner.get("combinator") == "or" else " && "
    else:
        parts = list(_first(inner, names))
        is_any = found.get("combineOperation") == "any" or found.get("combineConditions") == "OR"
        sign = " || " if is_any else " && "
    if not parts:
        raise Untranslatable
    return parts[0] if len(parts) == 1 else sign.join(f"({one})" for one in parts)


def of_rule(kind: str, rule: Json, names: ScriptNames, left: object = None) -> str:
    """Return the CEL of one comparison of version 1, as a Switch has them. Raises Untranslatable."""
    operation = str(rule.get("operation", _FIRST.get(kind, "equal")))
    zero = _ZERO.get(kind, "")
    first = rule.get("value1", zero) if left is None else left
    return _compared(
        _OF_VERSION_1.get(operation, operation),
        kind,
        operand_of(first, names),
        operand_of(rule.get("value2", zero), names),
    )


def _first(found: Json, names: ScriptNames) -> Iterator[str]:
    for kind, conditions in found.items():
        for one in objects(conditions):
            yield of_rule(kind, one, names)


def _second(one: Any, names: ScriptNames, *, is_exact: bool, is_loose: bool) -> str:
    if not isinstance(one, Mapping) or not isinstance(one.get("operator"), Mapping):
        raise Untranslatable
    kind, operation = str(one["operator"].get("type")), str(one["operator"].get("operation"))
    left, right = operand_of(one.get("leftValue", ""), names), operand_of(one.get("rightValue", ""), names)
    if is_loose and kind == "string" and operation not in ("exists", "notExists", "empty", "notEmpty"):
        left, right = (Cel(text_part(each), "text", is_single=each.kind != "text") for each in (left, right))
    elif is_loose and "xists" not in operation and "mpty" not in operation:
        raise Untranslatable  # '5' and 5 are the same then
    if kind == "string" and not is_exact and operation in _SIGNS:
        left, right = (Cel(f"{each.part}.lower()", "text") for each in (left, right))
    return _compared(operation, kind, left, right)


def _compared(operation: str, kind: str, left: Cel, right: Cel) -> str:
    if operation in ("exists", "notExists"):
        found = is_null(left).cel
        return found if operation == "notExists" else f"!({found})"
    if operation in ("empty", "notEmpty"):
        found = _empty(kind, left)
        return found if operation == "empty" else f"!({found})"
    if operation in ("regex", "notRegex"):
        found = f"{left.part}.matches({_pattern(right)})"
        return found if operation == "regex" else f"!{found}"
    if operation in ("true", "false"):
        found = truth_of(left).part
        return found if operation == "true" else f"!{found}"
    if kind == "dateTime":
        left, right = Cel(f"timestamp({left.cel})"), Cel(f"timestamp({right.cel})")
        operation = _TIMES.get(operation, operation)
    if kind == "array" and operation in ("contains", "notContains"):
        found = f"{right.part} in {left.part}"
        return found if operation == "contains" else f"!({found})"
    sign = _SIGNS.get(operation)
    if sign is None:
        raise Untranslatable
    return sign.format(left.part, right.part)


def _empty(kind: str, left: Cel) -> str:
    if kind in _EMPTY:
        return _EMPTY[kind].format(left.cel)
    if kind != "string" or not left.is_path:
        raise Untranslatable
    return f"default({left.cel}, null) in [null, '']"


def _pattern(right: Cel) -> str:
    """Return a pattern, which n8n takes as text or between slashes with flags. Raises Untranslatable."""
    if right.kind != "text" or not right.cel.startswith("'"):
        raise Untranslatable
    found = _PATTERN.match(right.cel[1:-1])
    if found is None:
        return right.cel
    if found[2].strip("gi"):
        raise Untranslatable
    return quoted("(?i)")[:-1] + found[1] + "'" if "i" in found[2] else f"'{found[1]}'"
