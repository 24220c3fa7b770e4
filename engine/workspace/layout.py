"""Where steps were moved in a workflow's drawing: `<name>.layout.json`, by path how far from the automatic place.

A step that is added above moves all below it, and those that were moved by hand stay beside their neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from engine.base.errors import InvalidFile, InvalidInput, UnknownName
from engine.base.step_tree import step_nodes
from engine.documents.json_file import read

Positions: TypeAlias = dict[str, list[float]]
"""[x, y] in pixels from the automatic place, to the right and downwards, by path."""
LAYOUT_VERSION = 2
"""In files of version 1 the positions were those on another drawing; they are not read."""
FARTHEST = 100_000


def kept_positions(path: Path) -> Positions:
    """Return the positions in a layout file; {} if it is missing or damaged: the drawing then places all steps."""
    try:
        layout = read(path).value
        found = layout["positions"].items() if layout["schema_version"] == LAYOUT_VERSION else ()
    except (InvalidFile, KeyError, TypeError, AttributeError):
        return {}
    return {step: list(xy) for step, xy in found if _is_place(xy)}


def checked_positions(
    given: Mapping[str, Sequence[float] | None], paths: Sequence[str]
) -> dict[str, list[float] | None]:
    """Return the positions if each is None or [x, y] of an existing step. Raises UnknownName, InvalidInput."""
    for step, xy in given.items():
        if xy is None:
            continue
        if step not in paths:
            raise UnknownName("step", step, paths)
        if not _is_place(xy):
            raise InvalidInput(
                f"{xy!r} is not a position for the step {step!r}.",
                remedy=f"Give [x, y], pixels from the automatic place: two numbers from -{FARTHEST} to {FARTHEST}.",
                field=step,
            )
    return {step: None if xy is None else list(xy) for step, xy in given.items()}


def step_paths(document: object) -> dict[str, str]:
    """Return {id: path} of the steps of a workflow."""
    return {node.step.id: node.path for node in step_nodes(document)}


def carried(positions: Positions, before: Mapping[str, str], after: Mapping[str, str]) -> Positions:
    """Return the positions with the paths that steps have now; `before` and `after`: {id: path}.

    A step that was removed keeps its position, should it come back.
    """
    moved = {path: after[step] for step, path in before.items() if step in after}
    taken = set(moved.values())
    kept = {path: xy for path, xy in positions.items() if path not in moved and path not in taken}
    return kept | {moved[path]: xy for path, xy in positions.items() if path in moved}


def _is_place(xy: Any) -> bool:
    return isinstance(xy, list | tuple) and len(xy) == 2 and all(_is_coordinate(one) for one in xy)


def _is_coordinate(one: Any) -> bool:
    is_number = isinstance(one, int | float) and not isinstance(one, bool)
    return is_number and math.isfinite(one) and abs(one) <= FARTHEST
