"""What literals alone decide: the values of expressions if an optional path is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.expressions.interpreter import Domain, Interpreter
from engine.expressions.syntax import SyntaxNode

UNKNOWN: Any = object()
"""A value that depends on the data of a run."""
_OPERATORS: Mapping[str, Any] = {
    "_==_": lambda a, b: a == b and isinstance(a, bool) is isinstance(b, bool),  # in Python, True == 1
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


class Constants(Domain[Any, None]):
    """Known values, where an optional path has no value."""

    unknown = UNKNOWN

    def __init__(self, absent: SyntaxNode) -> None:
        self._absent = absent

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
            return False if node.name == "hasValue" else values[1]
        if node.name not in _OPERATORS or any(one is UNKNOWN for one in values):
            return UNKNOWN
        try:
            return _OPERATORS[node.name](*values)
        except (TypeError, AttributeError):
            return UNKNOWN
