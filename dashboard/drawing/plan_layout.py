"""The layout of a compiled workflow: steps that may run side by side are drawn side by side."""

from __future__ import annotations

from collections.abc import Iterator
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
    found = dict(_placed(plan.block, 0.0, 0))
    if plan.on_failure is not None:
        found.update(_placed(plan.on_failure, 0.0, _size(plan.block).rows + 1))
    return {path: (COLUMN_WIDTH * column, ROW_HEIGHT * row) for path, (column, row) in found.items()}


def edges(plan: Plan) -> list[GraphEdge]:
    """Return the arrows: to each step from those it waits for, and from each group to what is inside."""
    blocks = [block for block in (plan.block, plan.on_failure) if block is not None]
    return [edge for block in blocks for edge in _edges(block, None)]


def _edges(block: Block, around: Node | None) -> Iterator[GraphEdge]:
    nodes = {node.id: node for node in block.nodes}
    for node in block.nodes:
        before = [end for name in _waited_for(block, node) for end in _ends(nodes[name])]
        if not before and around is not None:
            before = [around.path]
        yield from (GraphEdge(path, node.path, node.condition is not True) for path in before)
        for inner in _inside(node):
            yield from _edges(inner, node)


def _waited_for(block: Block, node: Node) -> list[str]:
    """Return the steps that a step waits for, without those that they wait for themselves."""
    waits = block.waits
    mine = [one.id for one in block.nodes if one.id in waits[node.id]]
    return [name for name in mine if not any(name in waits[other] for other in mine)]


def _ends(node: Node) -> list[str]:
    """Return the paths of the last steps inside a step."""
    body = _body(node)
    if body is None:
        return [node.path]
    waited = set().union(*body.waits.values())
    return [path for one in body.nodes if one.id not in waited for path in _ends(one)]


def _placed(block: Block, middle: float, row: int) -> Iterator[tuple[str, tuple[float, int]]]:
    """Yield (path, (column, row)) of the steps of a block, whose first level is in `row` around `middle`."""
    nodes = {node.id: node for node in block.nodes}
    for level in block.levels:
        sizes = [_size_of(nodes[name]) for name in level]
        left = middle - sum(size.columns for size in sizes) / 2
        for name, size in zip(level, sizes, strict=True):
            own = left + size.columns / 2
            yield nodes[name].path, (own, row)
            below = row + 1
            for inner in _inside(nodes[name]):
                yield from _placed(inner, own, below)
                below += _size(inner).rows
            left += size.columns
        row += max(size.rows for size in sizes)


def _inside(node: Node) -> list[Block]:
    return [block for block in (_body(node), node.fallback) if block is not None]


def _body(node: Node) -> Block | None:
    """Return the steps inside a step; the one call that a loop repeats has no box of its own."""
    is_itself = node.body is not None and [one.id for one in node.body.nodes] == [node.id]
    return None if is_itself else node.body


def _size(block: Block) -> _Size:
    nodes = {node.id: _size_of(node) for node in block.nodes}
    levels = [[nodes[name] for name in level] for level in block.levels]
    return _Size(
        columns=max(sum(size.columns for size in level) for level in levels),
        rows=sum(max(size.rows for size in level) for level in levels),
    )


def _size_of(node: Node) -> _Size:
    inner = [_size(block) for block in _inside(node)]
    return _Size(max([1, *(size.columns for size in inner)]), 1 + sum(size.rows for size in inner))
