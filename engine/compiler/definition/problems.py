"""Problems of a workflow file with their places, and what is uncertain because of them."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from engine.base.problem import Problem
from engine.documents.json_file import JsonFile, JsonPath

STEP_LISTS = ("steps", "on_failure")
"""The keys whose lists hold steps with ids of their own."""


class SuppressedProblems(Struct, frozen=True):
    """What is uncertain about a file because of its errors; consequences of that must not be reported."""

    lost: frozenset[JsonPath] = frozenset()
    """Where a faulty value was removed."""
    unsure: frozenset[str] = frozenset()
    """Ids of steps whose output may have any shape."""
    twice: frozenset[str] = frozenset()
    """Ids that several steps have."""
    strangers: frozenset[str] = frozenset()
    """Names that a step without a readable id may have."""
    unspeakable: frozenset[str] = frozenset()
    """Names that expressions cannot contain; an expression that tries to is not checked."""


def problem(file: JsonFile, path: JsonPath, message: str, *, offset: int = 0, **more: str) -> Problem:
    """Return a Problem at a value of the file, with the step and field on its path."""
    line, column = file.place(path, offset)
    step, where = step_and_field(file.value, path)
    return Problem(message, file=file.file, line=line, column=column, step=step, field=where, **more)


def step_and_field(document: Any, path: JsonPath) -> tuple[str | None, str | None]:
    """Return the id of the innermost step on a path, and the dotted field below it."""
    step, start, value = None, 0, document
    for depth, part in enumerate(path):
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            break
        if isinstance(part, int) and depth and path[depth - 1] in STEP_LISTS and isinstance(value, dict):
            step, start = str(value.get("id", f"number {part + 1}")), depth + 1
    return step, ".".join(str(part) for part in path[start:]) or None
