"""Find the values that a checked CEL expression uses: the select chains of its syntax tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.expressions.syntax import Node


@dataclass(frozen=True)
class Reference:
    """One use of a value, e.g. path ("steps", "mails", "output"), and the offset of its first name."""

    path: tuple[str, ...]
    offset: int = 0
    is_guarded: bool = False
    """Whether it is used through `has()`, `default()` or an optional select, so that it may be missing."""


def uses(node: Node, bound: frozenset[str] = frozenset()) -> Iterator[Reference]:
    """Yield every use of a variable below a node; `bound` has the variables of enclosing macros, which are left out."""
    chain = _chain(node)
    if chain is not None:
        if chain.path[0] not in bound:
            yield chain
    elif node.kind == "loop":
        yield from uses(node.parts[0], bound)
        inner = bound | {node.name, *node.value} - {""}
        for part in node.parts[1:]:
            yield from uses(part, inner)
    else:
        for part in node.parts:
            yield from uses(part, bound)


def _chain(node: Node) -> Reference | None:
    """Return the path that an expression selects, or None if it is not a plain chain of names."""
    names: list[str] = []
    guarded = False
    while node.kind in ("select", "has", "optional"):
        names.append(node.name)
        guarded = guarded or node.kind != "select"
        node = node.parts[0]
    if node.kind != "ident":
        return None
    return Reference((node.name, *reversed(names)), node.offset, guarded)
