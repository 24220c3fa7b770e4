"""The layout of a compiled workflow: steps that may run side by side are drawn side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dashboard.drawing.graph import GraphEdge
from engine.compiler.definition.plan import Block, Node, Plan

ROW_HEIGHT = 110.0
COLUMN_WIDTH = 280.0


@dataclass(frozen=True)
class _Size:
    columns: int
    rows: int


def places(plan: Plan) -> dict[str, tuple[float, float]]:
    """Return (x, y) of the centre of each step by its path; steps that run after a failure are below all others."""
    sizes = _sizes(plan)
    found: dict[str, tuple[float, float]] = {}
    blocks = [(plan.block, 0.0, 0)]
    if plan.on_failure is not None:
        blocks.append((plan.on_failure, 0.0, _size(plan.block, sizes).rows + 1))
    for block, middle, row in blocks:  # grows by the blocks inside
        for node, column, own_row in _placed(block, middle, row, sizes):
            found[node.path] = (COLUMN_WIDTH * column, ROW_HEIGHT * own_row)
            below = own_row + 1
            for inner in _inside(node):
                blocks.append((inner, column, below))
                below += _size(inner, sizes).rows
    return found


def edges(plan: Plan) -> list[GraphEdge]:
    """Return the arrows: to each step from those it waits for, and from each group to what is inside."""
    ends = _ends(plan)
    tops: list[tuple[Block, Node | None]] = [(one, None) for one in (plan.block, plan.on_failure) if one is not None]
    inner = [(block, node) for node in _boxes(plan) for block in _inside(node)]
    return [edge for block, around in [*tops, *inner] for edge in _edges(block, around, ends)]


def _boxes(plan: Plan) -> list[Node]:
    """Return the steps that have a box, outer before inner."""
    calls = {one.path for node in plan.nodes() if _repeats_a_call(node) and node.body for one in node.body.nodes}
    return [node for node in plan.nodes() if node.path not in calls]


def _repeats_a_call(node: Node) -> bool:
    """Return whether a loop has no steps of its own; the one call that it repeats has no box."""
    return node.body is not None and [one.id for one in node.body.nodes] == [node.id]


def _body(node: Node) -> Block | None:
    return None if _repeats_a_call(node) else node.body


def _inside(node: Node) -> list[Block]:
    return [block for block in (_body(node), node.fallback) if block is not None]


def _edges(block: Block, around: Node | None, ends: Mapping[str, Sequence[str]]) -> Iterator[GraphEdge]:
    nodes = {node.id: node for node in block.nodes}
    for node in block.nodes:
        before = [end for name in _waited_for(block, node) for end in ends[nodes[name].path]]
        if not before and around is not None:
            before = [around.path]
        yield from (GraphEdge(path, node.path, node.condition is not True) for path in before)


def _waited_for(block: Block, node: Node) -> list[str]:
    """Return the steps that a step waits for, without those that they wait for themselves."""
    waits = block.waits
    mine = [one.id for one in block.nodes if one.id in waits[node.id]]
    return [name for name in mine if not any(name in waits[other] for other in mine)]


def _ends(plan: Plan) -> dict[str, list[str]]:
    """Return the paths of the last steps inside each step, by its path."""
    found: dict[str, list[str]] = {}
    for node in reversed(_boxes(plan)):  # the steps inside first
        body = _body(node)
        waited = set().union(*body.waits.values()) if body is not None else set()
        last = [one for one in body.nodes if one.id not in waited] if body is not None else []
        found[node.path] = [path for one in last for path in found[one.path]] or [node.path]
    return found


def _placed(block: Block, middle: float, row: int, sizes: Mapping[str, _Size]) -> Iterator[tuple[Node, float, int]]:
    """Yield (step, column, row) of the steps of a block, whose first level is in `row` around `middle`."""
    nodes = {node.id: node for node in block.nodes}
    for level in block.levels:
        left = middle - sum(sizes[nodes[name].path].columns for name in level) / 2
        for name in level:
            columns = sizes[nodes[name].path].columns
            yield nodes[name], left + columns / 2, row
            left += columns
        row += max(sizes[nodes[name].path].rows for name in level)


def _sizes(plan: Plan) -> dict[str, _Size]:
    """Return the size of each step with all that is inside, by its path."""
    found: dict[str, _Size] = {}
    for node in reversed(_boxes(plan)):  # the steps inside first
        inner = [_size(block, found) for block in _inside(node)]
        found[node.path] = _Size(max([1, *(size.columns for size in inner)]), 1 + sum(size.rows for size in inner))
    return found


def _size(block: Block, sizes: Mapping[str, _Size]) -> _Size:
    nodes = {node.id: sizes[node.path] for node in block.nodes}
    levels = [[nodes[name] for name in level] for level in block.levels]
    return _Size(
        columns=max(sum(size.columns for size in level) for level in levels),
        rows=sum(max(size.rows for size in level) for level in levels),
    )
