"""The steps of a workflow document as a flat list and as a drawing, also where the document has problems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.parts.graph import GraphEdge, GraphNode

_ROW_HEIGHT = 110.0
_BRANCH_WIDTH = 280.0
FAILURE_PREFIX = "on_failure."
"""What the paths begin with of steps that run when the workflow has failed."""


@dataclass(frozen=True)
class StepEntry:
    """One step: `path` is ids joined by dots, `depth` counts the groups around it."""

    id: str
    path: str
    title: str
    depth: int
    step: Mapping[str, Any]
    is_fallback: bool = False
    """Whether it only runs where another step has failed."""

    @property
    def uses(self) -> str:
        """The step type, an empty text for a group."""
        return _text(self.step.get("uses"))

    @property
    def is_loop(self) -> bool:
        """Tell whether it is repeated."""
        return "foreach" in self.step

    @property
    def condition(self) -> str:
        """When it is done, without the braces; an empty text for always."""
        condition = self.step.get("if")
        if isinstance(condition, bool):
            return str(condition).lower()
        return "" if condition is None else str(condition).strip().removeprefix("{{").removesuffix("}}").strip()


def steps_of(document: Any) -> list[StepEntry]:
    """Return every step of a document, outer before inner, in file order."""
    return list(_entries(document, "", 0))


def failure_steps_of(document: Any) -> list[StepEntry]:
    """Return every step that runs when the workflow has failed, outer before inner, in file order."""
    block = document.get("on_failure") if isinstance(document, Mapping) else None
    return list(_entries({"steps": block} if isinstance(block, list) else block, FAILURE_PREFIX, 0))


def _entries(parent: Any, prefix: str, depth: int, *, is_fallback: bool = False) -> Iterator[StepEntry]:
    for step in _children(parent):
        entry = _entry(step, prefix, depth, is_fallback=is_fallback)
        yield entry
        yield from _entries(step, f"{entry.path}.", depth + 1, is_fallback=is_fallback)
        yield from _entries(step.get("on_error"), f"{entry.path}.", depth + 1, is_fallback=True)


def _entry(step: Mapping[str, Any], prefix: str, depth: int, *, is_fallback: bool = False) -> StepEntry:
    step_id = _text(step.get("id")) or "?"
    title = _text(step.get("title")) or step_id
    return StepEntry(step_id, prefix + step_id, title, depth, step, is_fallback)


def _children(parent: Any) -> list[Mapping[str, Any]]:
    steps = parent.get("steps") if isinstance(parent, Mapping) else None
    return [step for step in steps if isinstance(step, Mapping)] if isinstance(steps, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def boxes(
    entries: Sequence[StepEntry], colors: Mapping[str, str], words: Mapping[str, str], positions: Mapping[str, Any]
) -> list[GraphNode]:
    """Return a box for each step: `colors` and `words` (a second line) by path; `positions` are [x, y] by path.

    Where a step has no position of its own, all stand one below the other.
    """
    places = _stored(entries, positions) or _stacked(entries)
    found: dict[str, GraphNode] = {}
    for entry in entries:
        label = "\n".join(filter(None, [entry.title, words.get(entry.path, "")]))
        x, y = places[entry.path]
        found[entry.path] = GraphNode(entry.path, label, colors[entry.path], x, y)
    return list(found.values())


def drawing_height(nodes: Sequence[GraphNode]) -> int:
    """Return how many pixels a drawing of these boxes needs, so that few steps leave no empty room."""
    rows = len({node.y for node in nodes})
    return max(240, min(100 * rows, 640))


def _stored(entries: Sequence[StepEntry], positions: Mapping[str, Any]) -> dict[str, tuple[float, float]] | None:
    try:
        return {entry.path: (float(positions[entry.path][0]), float(positions[entry.path][1])) for entry in entries}
    except (KeyError, TypeError, ValueError, IndexError):
        return None


def _stacked(entries: Sequence[StepEntry]) -> dict[str, tuple[float, float]]:
    """Put each step below what it comes after; those on one level stand side by side."""
    levels: dict[str, int] = {}
    sources: dict[str, list[str]] = {}
    for arrow in arrows({"steps": [entry.step for entry in entries if entry.depth == 0]}):
        sources.setdefault(arrow.target, []).append(arrow.source)
    for entry in entries:  # what a step comes after stands before it in the file
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
    """Return the arrows: a step to what comes after it, a group to its first steps, `needs` as they say."""
    found: list[GraphEdge] = []
    _connect(document, "", [], found)
    return list(dict.fromkeys(found))


def failure_arrows(document: Any) -> list[GraphEdge]:
    """Return the arrows between the steps that run when the workflow has failed."""
    block = document.get("on_failure") if isinstance(document, Mapping) else None
    found: list[GraphEdge] = []
    _connect({"steps": block} if isinstance(block, list) else block, FAILURE_PREFIX, [], found)
    return list(dict.fromkeys(found))


def _connect(parent: Any, prefix: str, before: list[str], found: list[GraphEdge]) -> list[str]:
    """Add the arrows of the steps in `parent`, which come after the paths `before`; return where they end."""
    ends: dict[str, list[str]] = {}
    last = before
    branches: list[str] = []
    for step in _children(parent):
        entry = _entry(step, prefix, 0)
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
