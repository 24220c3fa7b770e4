"""Which steps of a test run really run, and which outputs stand in for the others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.compiler.plan import Node
from engine.errors import InvalidInput
from engine.runner.frames import Frame
from engine.runs.earlier import EarlierRun, place_in
from engine.runs.nouns import many

_PART = re.compile(r"([^.\[\]]+)(?:\[(\d+)\])?\Z")

Parts = tuple[tuple[str, int | None], ...]
"""A run path in pieces: ids, each with the index of an item or None."""


@dataclass(frozen=True)
class Pinned:
    """An output that is taken instead of running a step."""

    output: Any


@dataclass(frozen=True)
class LeftOut:
    """A step that a test run does not come to; `note` says why."""

    note: str


def parts_of(path: str) -> Parts | None:
    """Return the pieces of a step path, with indexes or without; None where it is none."""
    found = [_PART.match(part) for part in path.split(".")]
    return None if None in found else tuple((one[1], int(one[2]) if one[2] else None) for one in found if one)


class Selection:
    """What a test run asks for (docs/files.md: Run, `options`)."""

    def __init__(self, options: Mapping[str, Any], earlier: EarlierRun | None) -> None:
        only, pins = options.get("only"), options.get("pins") or {}
        self._name, self._only = only, parts_of(only) if only else None
        self._pins = {parts: output for path, output in pins.items() if (parts := parts_of(path))}
        self._earlier = earlier

    @property
    def is_part(self) -> bool:
        """Tell whether only a part of the workflow runs, so that it has no outputs."""
        return self._only is not None

    def of(self, node: Node, frame: Frame) -> Pinned | LeftOut | None:
        """Return what stands in for a step; None where it runs, or is walked through. Raises InvalidFile."""
        path = parts_of(f"{frame.prefix}{node.id}") or ()
        pin = self._pin(path)
        if pin is not None:
            return Pinned(self._pins[pin])
        return None if self._where(path) != "outside" else self._recorded(node, frame)

    def item_left_out(self, frame: Frame) -> LeftOut | None:
        """Return why an item of a loop is left out, None where it is gone through."""
        if self._only is None or self._earlier is not None:
            return None
        path = parts_of(frame.prefix.removesuffix("."))
        return self._note() if path and self._where(path) == "outside" else None

    def require_item(self, path: str, count: int) -> None:
        """Raise InvalidInput where the item that is to run alone is none of the loop at this run path."""
        loop, only = parts_of(path) or (), self._only or ()
        if len(only) < len(loop) or not all(map(_is_met, loop, only)):
            return
        index = only[len(loop) - 1][1]
        if index is not None and index >= count:
            raise InvalidInput(
                f"{self._name!r} is to run, and the loop {path!r} has {many(count, 'item')}.",
                remedy="Items are counted from 0." if count else "The list of the loop is empty.",
            )

    def is_around(self, path: str) -> bool:
        """Tell whether a group, loop or item is only walked through, so that its own `output` cannot be told."""
        return self._only is not None and self._where(parts_of(path) or ()) == "around"

    def _pin(self, path: Parts) -> Parts | None:
        """Return the pin that names a step most exactly."""
        fits = [pin for pin in self._pins if len(pin) == len(path) and all(map(_is_met, path, pin))]
        return max(fits, key=lambda pin: sum(index is not None for _, index in pin), default=None)

    def _where(self, path: Parts) -> Literal["outside", "around", "inside"]:
        only = self._only
        if only is None:
            return "inside"
        if not all(map(_is_met, path, only)):
            return "outside"
        if len(path) < len(only) or (len(path) == len(only) and path[-1][1] is None and only[-1][1] is not None):
            return "around"
        return "inside"

    def _recorded(self, node: Node, frame: Frame) -> Pinned | LeftOut | None:
        if self._earlier is None:
            return self._note()
        step = self._earlier.step(place_in(frame, node.path))
        if step is None or step["status"] in ("skipped", "pending"):
            return LeftOut(f"Run {self._earlier.run_id} has no output of it.")
        is_call = node.action is not None and not step.get("fallback")
        if step["status"] == "succeeded" and (is_call or step["output"] is not None):
            return Pinned(self._earlier.loaded(step["output"]))
        # What a loop or group gathered is not written down a second time: it is put together from the steps inside.
        return LeftOut(f"Run {self._earlier.run_id} has no output of it.") if node.action is not None else None

    def _note(self) -> LeftOut:
        return LeftOut(f"Left out: only {self._name} was asked for.")


def _is_met(one: tuple[str, int | None], other: tuple[str, int | None]) -> bool:
    return one[0] == other[0] and (one[1] is None or other[1] is None or one[1] == other[1])
