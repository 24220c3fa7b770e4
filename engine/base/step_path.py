"""The path of a step in a run: `each_mail[3].task` is the step `task` of item 3 of the loop `each_mail`.

Without its indexes it is the path of the step in the workflow: `each_mail.task`. The ids of steps contain neither dots
nor brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct

_INDEX = re.compile(r"\[\d+\]")
_PART = re.compile(r"([^.\[\]]+)(?:\[(\d+)\])?\Z")


class PathPart(NamedTuple):
    """One step of a path, and the item of it that the path goes through, if it is a loop."""

    id: str
    item: int | None = None

    def __str__(self) -> str:
        return self.id if self.item is None else f"{self.id}[{self.item}]"


class StepPath(Struct, frozen=True):
    """A step, or an item of a loop, by the steps around it, outermost first."""

    parts: tuple[PathPart, ...]

    @staticmethod
    def parse(text: str) -> StepPath:
        """Return the path with this text. Raises ValueError if it is not a path."""
        return _parsed(text)

    def __str__(self) -> str:
        return ".".join(map(str, self.parts))

    @property
    def step_id(self) -> str:
        """The id of the step, or of the loop whose item this is."""
        return self.parts[-1].id

    @property
    def index(self) -> int | None:
        """The number of the item, counted from 0; None for a step."""
        return self.parts[-1].item

    @property
    def is_item(self) -> bool:
        """Whether this is one item of a loop."""
        return self.index is not None

    @property
    def in_workflow(self) -> str:
        """The path of the step in the workflow, which has no indexes."""
        return ".".join(part.id for part in self.parts)

    @property
    def parent(self) -> StepPath | None:
        """What directly contains this: the loop of an item, the item or group of a step; None at the top."""
        if self.is_item:
            return StepPath((*self.parts[:-1], PathPart(self.step_id)))
        return StepPath(self.parts[:-1]) if len(self.parts) > 1 else None

    def around(self) -> Iterator[StepPath]:
        """Yield everything that contains this, innermost first: `each[3]`, then `each`, of `each[3].task`."""
        parent = self.parent
        while parent is not None:
            yield parent
            parent = parent.parent

    def items(self) -> Iterator[StepPath]:
        """Yield the items of loops on the way here, outermost first, with this if it is one: `a[0]`, `a[0].b[2]`."""
        for length, part in enumerate(self.parts, 1):
            if part.item is not None:
                yield StepPath(self.parts[:length])

    def inner(self, step_id: str) -> StepPath:
        """Return the path of a step directly inside."""
        return StepPath((*self.parts, PathPart(step_id)))

    def item(self, index: int) -> StepPath:
        """Return the path of an item of this loop."""
        return StepPath((*self.parts[:-1], PathPart(self.step_id, index)))

    def below(self, outer: StepPath) -> str:
        """Return the rest of this path after one that contains it: `task` of `each[3].task` and `each[3]`."""
        return ".".join(map(str, self.parts[len(outer.parts) :]))

    def is_inside(self, outer: StepPath) -> bool:
        """Return whether another path contains this one. A loop without an index means all its items."""
        if len(self.parts) < len(outer.parts) or self == outer:
            return False
        pairs = zip(outer.parts, self.parts, strict=False)
        return all(one.id == own.id and one.item in (None, own.item) for one, own in pairs)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> StepPath:
    found = [_PART.match(part) for part in text.split(".")]
    if not all(found):
        raise ValueError(f"{text!r} is not the path of a step.")
    return StepPath(tuple(PathPart(one[1], int(one[2]) if one[2] else None) for one in found if one))


# For thousands of records: the same about a path as text, which is not parsed for it.


def is_item(text: str) -> bool:
    """Return whether a path leads to an item of a loop."""
    return text.endswith("]")


def items_around(text: str) -> list[str]:
    """Return the paths of the items on the way to a step: see `StepPath.items`."""
    found, end = list[str](), text.find("]")
    while end >= 0:
        found.append(text[: end + 1])
        end = text.find("]", end + 1)
    return found


def step_id(text: str) -> str:
    """Return the id of the step, or of the loop whose item this is."""
    return text.rpartition(".")[2].partition("[")[0]


def in_workflow(text: str) -> str:
    """Return the path of the step in the workflow, which has no indexes."""
    return _INDEX.sub("", text) if "[" in text else text


def outermost(text: str) -> str:
    """Return the first part: the step, group or item that contains all the rest."""
    return text.partition(".")[0]


def loop_of(text: str) -> str:
    """Return the path of the loop of an item."""
    return text.rpartition("[")[0]


def item_of(text: str, index: int) -> str:
    """Return the path of an item of a loop."""
    return f"{text}[{index}]"
