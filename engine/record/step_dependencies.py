"""The outputs that one step of a workflow needs from other steps, known before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.compiler.definition.plan import Node
from engine.expressions.expressions import Expression, Template


def outputs_needed(nodes: Mapping[str, Node], only: str) -> set[str]:
    """Return the paths of the steps outside `only` (a step path without indexes) whose outputs it requires.

    This includes what the groups and loops around it need in order to reach it.
    """
    found: set[str] = set()
    for path, node in nodes.items():
        is_inside = path == only or path.startswith(f"{only}.")
        trees = _fields(node) if is_inside else _way_in(node) if only.startswith(f"{path}.") else []
        for tree in trees:
            found.update(one for name in _steps_in(tree) if (one := seen(name, path, nodes)) is not None)
    return {one for one in found if one != only and not one.startswith(f"{only}.") and not only.startswith(f"{one}.")}


def _fields(node: Node) -> list[Any]:
    action = [node.action.arguments, node.action.once] if node.action is not None else []
    return [*_way_in(node), *action, node.output]


def _way_in(node: Node) -> list[Any]:
    return [node.condition, *([node.loop.items, node.loop.key] if node.loop is not None else [])]


def _steps_in(tree: Any) -> Iterator[str]:
    """Yield the ids of the steps whose output a field uses, except those it guards with a presence check."""
    if isinstance(tree, Mapping):
        for inner in tree.values():
            yield from _steps_in(inner)
    elif isinstance(tree, list | tuple):
        for inner in tree:
            yield from _steps_in(inner)
    elif isinstance(tree, Template):
        for piece in tree.pieces:
            for one in piece.references if isinstance(piece, Expression) else ():
                if one.path[0] == "steps" and one.path[2:3] == ("output",) and not one.is_guarded:
                    yield one.path[1]


def seen(name: str, path: str, nodes: Mapping[str, Node]) -> str | None:
    """Return the path of the step that an id means at a place: a sibling, else a sibling of an enclosing group."""
    around = path
    while around:
        around = around.rpartition(".")[0]
        sibling = f"{around}.{name}" if around else name
        if sibling in nodes:
            return sibling
    return None
