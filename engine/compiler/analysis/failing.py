"""What literals alone decide to be wrong: parts of expressions that fail for every input."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

from engine.base.errors import ExpressionError
from engine.expressions.expressions import compile_expression
from engine.expressions.json_values import compact_json
from engine.expressions.syntax import SyntaxNode, walk

_OF_TEXT = ("timestamp", "duration", "int", "uint", "double", "bool")
_ZERO = ("int64_value", 0)


class Failing(Struct, frozen=True):
    """A part that always fails: message, remedy, and its offset in the text passed to CEL."""

    message: str
    remedy: str
    offset: int


def failing(written: SyntaxNode) -> Iterator[Failing]:
    """Yield the parts of a non-constant expression that always fail; constant ones are simply evaluated."""
    for node in walk(written):
        if node.kind == "call":
            sample = _sample(node)
            error = None if sample is None else _error(sample)
            if error is not None:
                yield Failing(*error, node.parts[-1].offset)


def _sample(node: SyntaxNode) -> str | None:
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


def _index(holder: SyntaxNode, index: int) -> str | None:
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
