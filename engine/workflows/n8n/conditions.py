"""The conditions of n8n's If, Filter and Switch, in the forms of its versions 1 and 2, as expressions of CEL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.workflows.n8n.export import Json
from engine.workflows.n8n.functions import Untranslatable
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
    "regex": "{0}.matches({1})",
    "notRegex": "!{0}.matches({1})",
    "gt": "{0} > {1}",
    "lt": "{0} < {1}",
    "gte": "{0} >= {1}",
    "lte": "{0} <= {1}",
    "lengthGt": "size({0}) > {1}",
    "lengthLt": "size({0}) < {1}",
    "lengthEquals": "size({0}) == {1}",
    "true": "{0}",
    "false": "!{0}",
    "exists": "has({0})",
    "notExists": "!has({0})",
    "empty": "default({0}, '') == ''",
    "notEmpty": "default({0}, '') != ''",
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
_TIMES = {"after": "gt", "before": "lt", "afterOrEquals": "gte", "beforeOrEquals": "lte"}


def condition(found: Json, names: ScriptNames) -> str:
    """Return the CEL of the conditions of a node. Raises Untranslatable."""
    inner = found.get("conditions")
    if not isinstance(inner, Mapping):
        raise Untranslatable
    if isinstance(inner.get("conditions"), list):
        options = inner.get("options")
        is_exact = not isinstance(options, Mapping) or options.get("caseSensitive", True) is not False
        parts = [_second(one, names, is_exact=is_exact) for one in inner["conditions"]]
        sign = " || " if inner.get("combinator") == "or" else " && "
    else:
        parts = [one.strip() for one in _first(inner, names)]
        sign = " || " if found.get("combineOperation") == "any" else " && "
    if not parts:
        raise Untranslatable
    return parts[0] if len(parts) == 1 else sign.join(f"({one})" for one in parts)


def of_rule(kind: str, operation: str, left: object, right: object, names: ScriptNames) -> str:
    """Return the CEL of one comparison of version 1, as a Switch has them. Raises Untranslatable."""
    return _compared(_OF_VERSION_1.get(operation, operation), kind, operand_of(left, names), operand_of(right, names))


def _first(found: Json, names: ScriptNames) -> Iterator[str]:
    for kind, conditions in found.items():
        for one in conditions if isinstance(conditions, list) else ():
            operation = str(one.get("operation", _FIRST.get(kind, "equal")))
            yield of_rule(kind, operation, one.get("value1", ""), one.get("value2", ""), names)


def _second(one: Any, names: ScriptNames, *, is_exact: bool) -> str:
    if not isinstance(one, Mapping) or not isinstance(one.get("operator"), Mapping):
        raise Untranslatable
    kind, operation = str(one["operator"].get("type")), str(one["operator"].get("operation"))
    left, right = operand_of(one.get("leftValue", ""), names), operand_of(one.get("rightValue", ""), names)
    if kind == "string" and not is_exact and "egex" not in operation:
        left, right = f"{left}.lower()", f"{right}.lower()"
    return _compared(operation, kind, left, right)


def _compared(operation: str, kind: str, left: str, right: str) -> str:
    if kind == "dateTime":
        left, right = f"timestamp({left})", f"timestamp({right})"
        operation = _TIMES.get(operation, operation)
    if kind == "array" and operation in ("contains", "notContains"):
        found = f"{right} in {left}"
        return found if operation == "contains" else f"!({found})"
    sign = _SIGNS.get(operation)
    if sign is None:
        raise Untranslatable
    is_single = left.replace(".", "").replace("_", "").isalnum() or left.endswith((")", "]", "'"))
    return sign.format(left if is_single else f"({left})", right)
