"""What literals and a few known values decide: the values of expressions, as far as they do not depend on a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.base.json_text import JsonObject
from engine.expressions.interpreter import Domain, Interpreter
from engine.expressions.syntax import SyntaxNode

UNKNOWN: Any = object()
"""A value that depends on the data of a run."""
_MISSING: Any = object()
"""A field that a known object does not have."""
_STEPS = SyntaxNode("ident", "steps")
_OPERATORS: Mapping[str, Any] = {
    "_==_": lambda a, b: a == b and isinstance(a, bool) is isinstance(b, bool),  # in Python, True == 1
    "_!=_": lambda a, b: a != b or isinstance(a, bool) is not isinstance(b, bool),
    "_<_": lambda a, b: a < b,
    "_<=_": lambda a, b: a <= b,
    "_>_": lambda a, b: a > b,
    "_>=_": lambda a, b: a >= b,
    "@in": lambda a, b: a in b,
    "!_": lambda a: not a,
    "size": len,
    "startsWith": lambda a, b: a.startswith(b),
    "endsWith": lambda a, b: a.endswith(b),
    "contains": lambda a, b: b in a,
}


def value_without(path: SyntaxNode, node: SyntaxNode) -> Any:
    """Return the value of an expression if an optional path has no value; UNKNOWN if that depends on other values."""
    return Interpreter(Constants(path)).value(node, None, {})


def value_given(steps: Mapping[str, JsonObject], node: SyntaxNode) -> Any:
    """Return the value of an expression, given the entries of some steps (`{"output": …}`); UNKNOWN if these do not
    decide.
    """
    return Interpreter(Constants()).value(node, None, {"steps": steps})


class Constants(Domain[Any, None]):
    """Known values, where an optional path may have no value."""

    unknown = UNKNOWN

    def __init__(self, absent: SyntaxNode | None = None) -> None:
        self._absent = absent

    def field(self, node: SyntaxNode, holder: Any, whole: SyntaxNode, facts: None) -> Any:
        """Return a field of a known object; of a step that is not known, nothing is."""
        if not isinstance(holder, Mapping):
            return _MISSING if holder is _MISSING else UNKNOWN
        return holder.get(node.name, UNKNOWN if node.parts[0] == _STEPS else _MISSING)

    def function(self, node: SyntaxNode, values: Sequence[Any]) -> Any:
        """Return whether a field is there, or what `&&` and `||` make of their sides: one may decide alone."""
        if node.kind == "has":
            return UNKNOWN if values[0] is UNKNOWN else values[0] is not _MISSING
        if node.name not in ("_&&_", "_||_"):
            return UNKNOWN
        decides = node.name == "_||_"
        if any(one is decides for one in values):
            return decides
        return not decides if all(one is not decides and isinstance(one, bool) for one in values) else UNKNOWN

    def constant(self, node: SyntaxNode) -> Any:
        """Return the value of a literal."""
        return node.value[1] if node.value[0] != "null_value" else None

    def listed(self, node: SyntaxNode, items: Sequence[Any]) -> Any:
        """Return a list."""
        return UNKNOWN if any(one is UNKNOWN for one in items) else [*items]

    def struct(self, node: SyntaxNode, parts: Sequence[Any]) -> Any:
        """Return an empty object."""
        return UNKNOWN if parts else {}

    def call(self, node: SyntaxNode, values: Sequence[Any], facts: None) -> Any:
        """Return a result, if all arguments are known."""
        if node.name in ("orValue", "hasValue") and node.parts[0] == self._absent:
            values = [_MISSING, *values[1:]]
        if node.name == "hasValue":
            return UNKNOWN if values[0] is UNKNOWN else values[0] is not _MISSING
        if node.name == "orValue":
            return values[1] if values[0] is _MISSING else values[0]
        if node.name not in _OPERATORS or any(one is UNKNOWN or one is _MISSING for one in values):
            return UNKNOWN
        try:
            return _OPERATORS[node.name](*values)
        except (TypeError, AttributeError):
            return UNKNOWN
