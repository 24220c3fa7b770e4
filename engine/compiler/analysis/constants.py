"""What literals alone decide: parts of expressions that fail for every input, and values if a path is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from engine.base.errors import ExpressionError
from engine.expressions.expressions import compile_expression
from engine.expressions.interpreter import Domain, Interpreter
from engine.expressions.json_values import compact_json
from engine.expressions.syntax import Node, walk

_OF_TEXT = ("timestamp", "duration", "int", "uint", "double", "bool")
_ZERO = ("int64_value", 0)


@dataclass(frozen=True)
class Failing:
    """A part that always fails: message, remedy, and its offset in the text passed to CEL."""

    message: str
    remedy: str
    offset: int


def failing(written: Node) -> Iterator[Failing]:
    """Yield the parts of a non-constant expression that always fail; constant ones are simply evaluated."""
    for node in walk(written):
        if node.kind == "call":
            sample = _sample(node)
            error = None if sample is None else _error(sample)
            if error is not None:
                yield Failing(*error, node.parts[-1].offset)


def _sample(node: Node) -> str | None:
    """Return a sample expression that fails if and only if this part always fails, or None if that is not certain."""
    last = node.parts[-1] if node.parts else None
    if last is None or last.kind != "constant" or last.value is None:
        return None
    kind, value = last.value
    if node.name in _OF_TEXT and len(node.parts) == 1 and kind == "string_value":
        return f"{node.name}({compact_json(value)})"
    if node.name == "matches" and len(node.parts) == 2 and kind == "string_value":
        return f"''.matches({compact_json(value)})"
    if node.name in ("_/_", "_%_") and last.value == _ZERO:
        return f"1 {node.name[1]} 0"
    if node.name == "_[_]" and kind == "int64_value":
        return _index(node.parts[0], value)
    return None


def _index(holder: Node, index: int) -> str | None:
    """Return the index into a list literal, or a negative index into any list."""
    if holder.kind == "list":
        return f"{[0] * len(holder.parts)}[{index}]"
    is_object = holder.kind == "struct"
    return f"[0][{index}]" if index < 0 and not is_object else None


@lru_cache(256)
def _error(source: str) -> tuple[str, str] | None:
    try:
        compile_expression(source, frozenset()).value({})
    except ExpressionError as error:
        _, _, said = error.message.partition(": ")
        return said or error.message, error.remedy
    return None


UNKNOWN: Any = object()
"""A value that depends on the data of a run."""
_OPERATORS: Mapping[str, Any] = {
    "_==_": lambda a, b: a == b and type(a) is type(b),
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


def value_without(path: Node, node: Node) -> Any:
    """Return the value of an expression if an optional path has none; UNKNOWN if that depends on other values."""
    return Interpreter(Constants(path)).value(node, None, {})


class Constants(Domain[Any, None]):
    """Known values, where an optional path has none."""

    unknown = UNKNOWN

    def __init__(self, absent: Node) -> None:
        self._absent = absent

    def constant(self, node: Node) -> Any:
        """Return the value of a literal."""
        return node.value[1] if node.value[0] != "null_value" else None

    def listed(self, node: Node, items: Sequence[Any]) -> Any:
        """Return a list."""
        return UNKNOWN if any(one is UNKNOWN for one in items) else [*items]

    def struct(self, node: Node, parts: Sequence[Any]) -> Any:
        """Return an empty object."""
        return UNKNOWN if parts else {}

    def call(self, node: Node, values: Sequence[Any], facts: None) -> Any:
        """Return a result, if all arguments are known."""
        if node.name in ("orValue", "hasValue") and node.parts[0] == self._absent:
            return False if node.name == "hasValue" else values[1]
        if node.name not in _OPERATORS or any(one is UNKNOWN for one in values):
            return UNKNOWN
        try:
            return _OPERATORS[node.name](*values)
        except (TypeError, AttributeError):
            return UNKNOWN
