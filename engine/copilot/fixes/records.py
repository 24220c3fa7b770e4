"""What is known of a fix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Operation = dict[str, Any]


@dataclass(frozen=True)
class Idea:
    """A change that may mend a problem."""

    label: str
    """What it does, as the words on a button."""
    ops: list[Operation]
    is_certain: bool = True
    """Whether it is also among those that are made at once; else a person chooses it by itself."""


@dataclass(frozen=True)
class Fix:
    """A change that mends a problem of a draft, and adds no other."""

    problem: int
    """The index of the problem in the draft's list."""
    code: str
    """The code of the problem that it mends."""
    step: str
    """The id of the step that has the problem, "" for the workflow."""
    label: str
    """What it does, as the words on a button."""
    ops: list[Operation]
    """Operations as the canvas makes them."""


def asking_always(before: object) -> Any:
    """Return the rule of a step that asks before each call: who approves it, and how long it waits, stays."""
    return {**before, "when": "always"} if isinstance(before, Mapping) else "always"
