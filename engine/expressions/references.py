"""The values that an expression uses: a domain of the abstract interpreter (engine/expressions/interpreter.py)."""

from __future__ import annotations

from msgspec import Struct

from engine.expressions.interpreter import Domain, Interpreter
from engine.expressions.syntax import SyntaxNode


class Reference(Struct, frozen=True):
    """One use of a value, e.g. path ("steps", "mails", "output")."""

    path: tuple[str, ...]
    is_guarded: bool = False
    """Whether it is used through `has()`, `default()` or an optional select, so that it may be missing."""


class ReferenceDomain(Domain[None, None]):
    """Nothing is known of values; collects the references of an expression."""

    unknown = None

    def __init__(self) -> None:
        self.found: list[Reference] = []

    def name(self, node: SyntaxNode, whole: SyntaxNode, facts: None) -> None:
        """Note a reference."""
        path: tuple[str, ...] = ()
        is_guarded, step = False, whole
        while step is not node:
            path = (step.name, *path)
            is_guarded = is_guarded or step.kind != "select"
            step = step.parts[0]
        self.found.append(Reference((node.name, *path), is_guarded))


def references(node: SyntaxNode) -> tuple[Reference, ...]:
    """Return every use of a value in an expression, without the variables of its macros."""
    domain = ReferenceDomain()
    Interpreter(domain).value(node, None, {})
    return tuple(domain.found)
