"""Whether a condition lets through no more than another one: compared as syntax trees, whatever their text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.base.errors import ExpressionError
from engine.compiler.definition.identifiers import is_variable
from engine.expressions.expressions import compile_expression
from engine.expressions.syntax import SyntaxNode
from engine.expressions.templates import parts, tokens

_AND = "_&&_"


def narrows(before: Any, after: Any) -> bool:
    """Return whether a condition demands all that another one did: each of its terms, joined by `&&`."""
    old, new = _terms(before), _terms(after)
    return bool(old) and all(one in new for one in old)


def _terms(condition: Any) -> list[SyntaxNode]:
    """Return what a condition joins by `&&`; nothing if it is not one expression that can be read."""
    if not isinstance(condition, str):
        return []
    try:
        found = parts(condition)
        if len(found) != 1 or not found[0].is_expression:
            return []
        source = found[0].text
        names = frozenset(one.text for one in tokens(source) if one.kind == "name" and is_variable(one.text))
        return list(_joined(compile_expression(source, names).written))
    except ExpressionError:
        return []


def _joined(node: SyntaxNode) -> Iterator[SyntaxNode]:
    if node.kind == "call" and node.name == _AND:
        for part in node.parts:
            yield from _joined(part)
    else:
        yield node
