"""Which values a checked CEL expression uses: the select chains of its syntax tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.expressions.syntax import Node, tree


@dataclass(frozen=True)
class Reference:
    """One use of a value, e.g. path ("steps", "mails", "output"), and where its first name stands."""

    path: tuple[str, ...]
    offset: int = 0
    is_guarded: bool = False
    """Used through `has()`, `default()` or an optional select: it may be missing."""


def references(serialized: bytes) -> list[Reference]:
    """Return every use of a variable in a serialized checked expression; loop variables of macros are left out."""
    return list(uses(tree(serialized)))


def uses(node: Node, bound: frozenset[str] = frozenset()) -> Iterator[Reference]:
    """Give every use of a variable below a node; names in `bound` are those of macros around it."""
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
    """Return the path that an expression selects, or None where it is no plain chain of names."""
    names: list[str] = []
    guarded = False
    while node.kind in ("select", "has", "optional"):
        names.append(node.name)
        guarded = guarded or node.kind != "select"
        node = node.parts[0]
    if node.kind != "ident":
        return None
    return Reference((node.name, *reversed(names)), node.offset, guarded)
