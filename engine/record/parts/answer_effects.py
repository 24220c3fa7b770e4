"""What follows from the output of one step: which steps wait for it, and which depend on what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.compiler.definition.plan import Block, Node, Plan
from engine.expressions.expressions import Expression, Template
from engine.record.step_dependencies import seen

_MAY_END = frozenset({"flow.assert", "flow.fail", "flow.stop"})
"""Step types that may end the run, so that all steps behind them depend on their fields."""


def waited_for(plan: Plan, path: str) -> frozenset[str] | None:
    """Return the steps and groups that a step and the groups around it wait for; None for a step of an `on_error`.

    All paths are without indexes.
    """
    found, block, around = set[str](), plan.block, ""
    for name in path.split("."):
        nodes = {node.id: node for node in block.nodes}
        if name not in nodes:
            return None
        found |= {f"{around}{one}" for one in _transitively(block, name)}
        body, around = nodes[name].body, f"{around}{name}."
        block = body if body is not None else Block(())
    return frozenset(found)


def is_in(path: str, groups: frozenset[str]) -> bool:
    """Return whether a step is one of these, or inside one of them."""
    parts = path.split(".")
    return any(".".join(parts[:length]) in groups for length in range(1, len(parts) + 1))


def depending_on(plan: Plan, path: str) -> frozenset[str]:
    """Return the steps whose condition or fields may depend on the output of a step, directly or through others."""
    nodes = {node.path: node for node in plan.nodes()}
    before = waited_for(plan, path) or frozenset()
    found = {path}
    while True:
        more = {one for one, node in nodes.items() if one not in found and _depends(node, nodes, found, path)}
        if any(_may_end(nodes[one]) for one in more):
            more |= {one for one in nodes if not is_in(one, before) and not path.startswith(f"{one}.")} - found
        if not more:
            return frozenset(found - {path})
        found |= more


def _transitively(block: Block, name: str) -> set[str]:
    found, todo, waits = set[str](), [name], block.waits
    while todo:
        new = set(waits[todo.pop()]) - found
        found |= new
        todo += new
    return found


def _depends(node: Node, nodes: Mapping[str, Node], found: set[str], path: str) -> bool:
    """Return whether a field of a step refers to one of the found steps, or the step is inside one of them."""
    around = node.path.rpartition(".")[0]
    if around in found and not path.startswith(f"{around}."):
        return True
    named = (seen(name, node.path, nodes) if name else "" for name in _names(_fields(node)))
    return any(one is not None and _touches(one, found) for one in named)


def _touches(named: str, found: set[str]) -> bool:
    """Return whether a reference names the output of a found step, or of a group with one in it."""
    return not named or named in found or any(one.startswith(f"{named}.") for one in found)


def _may_end(node: Node) -> bool:
    return node.action is not None and node.action.uses in _MAY_END


def _fields(node: Node) -> list[Any]:
    loop, action = node.loop, node.action
    of_loop = [loop.items, loop.key] if loop is not None else []
    return [node.condition, *of_loop, *(action.trees if action is not None else ())]


def _names(tree: Any) -> Iterator[str]:
    """Yield the id of every step that a field refers to; empty for a use of `steps` as a whole."""
    if isinstance(tree, Mapping):
        for inner in tree.values():
            yield from _names(inner)
    elif isinstance(tree, list | tuple):
        for inner in tree:
            yield from _names(inner)
    elif isinstance(tree, Template):
        for piece in tree.pieces:
            for one in piece.references if isinstance(piece, Expression) else ():
                if one.path[:1] == ("steps",):
                    yield one.path[1] if len(one.path) > 1 else ""
