"""The outputs that one step of a workflow needs from other steps, known before anything runs."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any

from engine.compiler.definition.plan import Node
from engine.expressions.expressions import Expression, Template


def outputs_needed(nodes: Mapping[str, Node], only: str, given: Container[str] = ()) -> set[str]:
    """Return the paths of the steps outside `only` (a step path without indexes) whose outputs it requires.

    This includes what the groups and loops around it need in order to reach it. `given`: the paths of the loops whose
    items are given.
    """
    found: set[str] = set()
    for path, node in nodes.items():
        is_inside = path == only or path.startswith(f"{only}.")
        has_items = path in given
        trees = (
            _fields(node, has_items=has_items)
            if is_inside
            else _way_in(node, has_items=has_items)
            if only.startswith(f"{path}.")
            else []
        )
        for tree in trees:
            found.update(one for name in _steps_in(tree) if (one := seen(name, path, nodes)) is not None)
    return {one for one in found if one != only and not one.startswith(f"{only}.") and not only.startswith(f"{one}.")}


def _fields(node: Node, *, has_items: bool) -> list[Any]:
    action = list(node.action.trees) if node.action is not None else []
    return [*_way_in(node, has_items=has_items), *action, node.output]


def _way_in(node: Node, *, has_items: bool) -> list[Any]:
    if node.loop is None:
        return [node.condition]
    return [node.condition, node.loop.key, *([] if has_items else [node.loop.items])]


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
