"""The steps of a workflow document as a flat list and as a drawing, even if the document has problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.drawing.graph import GraphEdge, GraphNode
from engine.base.step_tree import FAILURE_PREFIX, StepNode, after_failure, children, id_of, step_nodes

_BOX_WIDTH, _BOX_HEIGHT = 200.0, 60.0
_ROW_HEIGHT = 110.0
_BRANCH_WIDTH = 280.0


@dataclass(frozen=True)
class StepEntry:
    """One step: `path` is ids joined by dots, `depth` counts the groups around it."""

    id: str
    path: str
    title: str
    depth: int
    step: Mapping[str, Any]
    is_fallback: bool = False
    """Whether it runs only if another step has failed."""

    @property
    def uses(self) -> str:
        """The step type, empty for a group."""
        return _text(self.step.get("uses"))

    @property
    def is_loop(self) -> bool:
        """Whether it is repeated."""
        return "foreach" in self.step

    @property
    def condition(self) -> str:
        """The condition without its braces, empty if there is none."""
        condition = self.step.get("if")
        if isinstance(condition, bool):
            return str(condition).lower()
        return "" if condition is None else str(condition).strip().removeprefix("{{").removesuffix("}}").strip()


def steps_of(document: Any) -> list[StepEntry]:
    """Return every step of a document, outer before inner, in file order."""
    return [_entry(node) for node in step_nodes(document) if not node.is_after_failure]


def failure_steps_of(document: Any) -> list[StepEntry]:
    """Return every step that runs after the workflow has failed, outer before inner, in file order."""
    return [_entry(node) for node in step_nodes(document) if node.is_after_failure]


def _entry(node: StepNode) -> StepEntry:
    step_id = id_of(node.step)
    title = _text(node.step.get("title")) or step_id
    return StepEntry(step_id, node.path, title, node.depth, node.step, node.is_fallback)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def boxes(
    entries: Sequence[StepEntry],
    colors: Mapping[str, str],
    words: Mapping[str, str],
    moved: Mapping[str, Sequence[float]],
    places: Mapping[str, tuple[float, float]] | None = None,
) -> list[GraphNode]:
    """Return a box for each step: `colors` and `words` (a second line) by path.

    A step that was moved is where `moved` says, another at its place in `places`, or else below the one before; if that
    place is taken, further below.
    """
    own = places if places and all(entry.path in places for entry in entries) else _stacked(entries)
    taken = {
        entry.path: (float(moved[entry.path][0]), float(moved[entry.path][1]))
        for entry in entries
        if entry.path in moved
    }
    for entry in entries:
        if entry.path not in taken:
            taken[entry.path] = _free(own[entry.path], list(taken.values()) if moved else [])
    found: dict[str, GraphNode] = {}
    for entry in entries:
        label = "\n".join(filter(None, [entry.title, words.get(entry.path, "")]))
        x, y = taken[entry.path]
        found[entry.path] = GraphNode(entry.path, label, colors[entry.path], x, y)
    return list(found.values())


def _free(place: tuple[float, float], taken: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the nearest place at or below this one without a box."""
    x, y = place
    while any(abs(x - other_x) < _BOX_WIDTH and abs(y - other_y) < _BOX_HEIGHT for other_x, other_y in taken):
        y += _ROW_HEIGHT
    return x, y


def drawing_height(nodes: Sequence[GraphNode]) -> int:
    """Return the height in pixels that a drawing of these boxes needs, so that few steps leave no empty space."""
    rows = len({node.y for node in nodes})
    return max(240, min(100 * rows, 640))


def _stacked(entries: Sequence[StepEntry]) -> dict[str, tuple[float, float]]:
    """Place each step below its predecessors, and those of one level side by side."""
    levels: dict[str, int] = {}
    sources: dict[str, list[str]] = {}
    for arrow in arrows({"steps": [entry.step for entry in entries if entry.depth == 0]}):
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


def _is_branch(entry: StepEntry) -> bool:
    return bool(entry.condition) and "steps" not in entry.step


def arrows(document: Any) -> list[GraphEdge]:
    """Return the arrows: from a step to its successors, from a group to its first steps, and for `needs`."""
    found: list[GraphEdge] = []
    _connect(document, "", [], found)
    return list(dict.fromkeys(found))


def failure_arrows(document: Any) -> list[GraphEdge]:
    """Return the arrows between the steps that run after the workflow has failed."""
    found: list[GraphEdge] = []
    _connect(after_failure(document), FAILURE_PREFIX, [], found)
    return list(dict.fromkeys(found))


def _connect(parent: Any, prefix: str, before: list[str], found: list[GraphEdge]) -> list[str]:
    """Add the arrows of the steps in `parent`, which come after the paths `before`; return the paths where they end."""
    ends: dict[str, list[str]] = {}
    last = before
    branches: list[str] = []
    for step in children(parent):
        entry = _entry(StepNode(step, prefix + id_of(step), 0, is_fallback=False))
        needs = step.get("needs")
        is_branch = _is_branch(entry) and needs is None
        if branches and not is_branch:
            last, branches = branches, []
        sources = [end for one in needs for end in ends.get(one, [])] if isinstance(needs, list) else last
        found += [GraphEdge(source, entry.path, bool(entry.condition)) for source in sources or before]
        ends[entry.id] = _connect(step, f"{entry.path}.", [entry.path], found)
        if is_branch:
            branches = [*branches, *ends[entry.id]]
        else:
            last = ends[entry.id]
    return branches or last
