"""The steps of a workflow document as a flat list and as a drawing, even if the document has problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dashboard.drawing.graph import GraphEdge, GraphNode
from engine.base.step_tree import Place, StepDefinition, StepNode, step_nodes

_ROW_HEIGHT = 110.0
_BRANCH_WIDTH = 280.0

Entry = StepNode[StepDefinition]
"""A step of the drawing."""


def steps_of(document: object) -> list[Entry]:
    """Return every step of a document, outer before inner, in file order."""
    return [node for node in step_nodes(document) if not node.is_after_failure]


def failure_steps_of(document: object) -> list[Entry]:
    """Return every step that runs after the workflow has failed, outer before inner, in file order."""
    return [node for node in step_nodes(document) if node.is_after_failure]


def boxes(entries: Sequence[Entry], colors: Mapping[str, str], words: Mapping[str, str]) -> list[GraphNode]:
    """Return a box for each step: `colors` and `words` (a second line) by path."""
    places = _stacked(entries)
    found: dict[str, GraphNode] = {}
    for entry in entries:
        label = "\n".join(filter(None, [entry.step.title, words.get(entry.path, "")]))
        found[entry.path] = GraphNode(entry.path, label, colors[entry.path], *places[entry.path])
    return list(found.values())


def drawing_height(nodes: Sequence[GraphNode]) -> int:
    """Return the height in pixels that a drawing of these boxes needs, so that few steps leave no empty space."""
    rows = len({node.y for node in nodes})
    return max(240, min(100 * rows, 640))


def _stacked(entries: Sequence[Entry]) -> dict[str, tuple[float, float]]:
    """Place each step below its predecessors, and steps of one level side by side."""
    levels: dict[str, int] = {}
    sources: dict[str, list[str]] = {}
    for arrow in arrows(entries):
        sources.setdefault(arrow.target, []).append(arrow.source)
    for entry in entries:  # a step's predecessors come before it in the file
        before = sources.get(entry.path) or [entry.path.rpartition(".")[0]]
        levels[entry.path] = 1 + max(levels.get(source, -1) for source in before)
    rows: dict[int, list[str]] = {}
    for path, level in levels.items():
        rows.setdefault(level, []).append(path)
    return {
        path: (_BRANCH_WIDTH * (column - (len(row) - 1) / 2), _ROW_HEIGHT * level)
        for level, row in rows.items()
        for column, path in enumerate(row)
    }


def arrows(nodes: Sequence[Entry]) -> list[GraphEdge]:
    """Return the arrows between steps: from each to its successors, from a group to its first steps, and for `needs`.

    `nodes` are all steps of a document, or all that run after a failure. A fallback has no arrows.
    """
    shown = [node for node in nodes if not node.is_fallback]
    lists: dict[Place, list[Entry]] = {}
    for node in shown:
        lists.setdefault(node.place[:-1], []).append(node)
    ends: dict[Place, list[str]] = {}
    found: dict[Place, list[GraphEdge]] = {}
    for place, siblings in reversed(lists.items()):  # the inner lists first: where they end, the next step begins
        ends[place] = _connect(siblings, ends, found)
    return list(dict.fromkeys(edge for node in shown for edge in found[node.place]))


def _connect(
    siblings: Sequence[Entry], ends_inside: Mapping[Place, list[str]], found: dict[Place, list[GraphEdge]]
) -> list[str]:
    """Add the arrows to each of these siblings, by its place; return the paths of the steps where they end."""
    parent = siblings[0].parent
    before = [] if parent is None else [parent.path]
    ends: dict[str, list[str]] = {}
    last = before
    branches: list[str] = []
    for node in siblings:
        needs, has_condition = node.step.needs, bool(node.step.condition)
        is_branch = has_condition and not node.step.is_group and needs is None
        if branches and not is_branch:
            last, branches = branches, []
        sources = last if needs is None else [end for one in needs for end in ends.get(one, [])]
        found[node.place] = [GraphEdge(source, node.path, has_condition) for source in sources or before]
        ends[node.step.id] = ends_inside.get((*node.place, "steps"), [node.path])
        if is_branch:
            branches = [*branches, *ends[node.step.id]]
        else:
            last = ends[node.step.id]
    return branches or last
