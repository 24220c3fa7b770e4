"""Which steps of a test run are executed, and which outputs replace the others."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from clients.wording import counted
from engine.base.errors import InvalidInput
from engine.base.json_text import JsonObject
from engine.base.statuses import StepStatus
from engine.base.step_path import PathPart, StepPath
from engine.compiler.definition.plan import Node
from engine.record.frames import Frame
from engine.record.previous_run import EarlierRun, place_in
from engine.record.types.run import RunOptions

_Parts = tuple[PathPart, ...]


class Pinned(Struct, frozen=True):
    """An output used instead of running a step."""

    output: Any
    note: str = ""
    """Where it comes from, if there is more to say."""
    arguments: JsonObject | None = None
    """What the step was called with when it really ran, if that is known."""
    is_recorded: bool = False
    """Whether an earlier run has recorded it at the same place, on the same accounts."""


class LeftOut(Struct, frozen=True):
    """A step that a test run does not reach; `note` says why."""

    note: str


class Selection:
    """What a test run asks for (docs/files.md: Run, `options`)."""

    def __init__(self, options: RunOptions, earlier: EarlierRun | None) -> None:
        only, pins = options.get("only"), options.get("pins") or {}
        self._name, self._only = only, StepPath.parse(only).parts if only else ()
        self._pins = {StepPath.parse(path).parts: output for path, output in pins.items()}
        self._made_up, self._earlier = options.get("made_up") or {}, earlier

    def items_of(self, node: Node) -> list[Any] | None:
        """Return the made-up items of a loop, None if its items come from its `foreach`."""
        items = self._made_up.get(node.path)
        return None if items is None else list(items)

    @property
    def is_part(self) -> bool:
        """Return whether only a part of the workflow runs, so that it has no outputs."""
        return bool(self._only)

    def of(self, node: Node, frame: Frame) -> Pinned | LeftOut | None:
        """Return what replaces a step; None if the step runs or contains the one that runs. Raises InvalidFile."""
        path = frame.path_of(node).parts
        pin = self._pin(path)
        if pin is not None:
            return Pinned(self._pins[pin])
        return None if self._where(path) != "outside" else self._recorded(node, frame)

    def item_left_out(self, frame: Frame) -> LeftOut | None:
        """Return why an item of a loop is skipped; None if it is not."""
        if not self._only or self._earlier is not None or frame.path is None:
            return None
        return self._note() if self._where(frame.path.parts) == "outside" else None

    def require_item(self, path: StepPath, count: int) -> None:
        """Raise InvalidInput if the item to run does not exist in the loop at this run path."""
        loop, only = path.parts, self._only
        if len(only) < len(loop) or not all(map(_is_met, loop, only)):
            return
        index = only[len(loop) - 1].item
        if index is not None and index >= count:
            raise InvalidInput(
                f"{self._name!r} is to run, and the loop {str(path)!r} has {counted(count, 'item')}.",
                remedy="Items are counted from 0." if count else "The list of the loop is empty.",
            )

    def is_around(self, path: StepPath) -> bool:
        """Return whether a group, loop or item only contains the step that runs, and so has no `output` itself."""
        return bool(self._only) and self._where(path.parts) == "around"

    def _pin(self, path: _Parts) -> _Parts | None:
        """Return the most specific pin for a step."""
        fits = [pin for pin in self._pins if len(pin) == len(path) and all(map(_is_met, path, pin))]
        return max(fits, key=lambda pin: sum(part.item is not None for part in pin), default=None)

    def _where(self, path: _Parts) -> Literal["outside", "around", "inside"]:
        only = self._only
        if not only:
            return "inside"
        if not all(map(_is_met, path, only)):
            return "outside"
        if len(path) < len(only) or (len(path) == len(only) and path[-1].item is None and only[-1].item is not None):
            return "around"
        return "inside"

    def _recorded(self, node: Node, frame: Frame) -> Pinned | LeftOut | None:
        if self._earlier is None:
            return self._note()
        step = self._earlier.step(place_in(frame, node.path))
        if step is None or step["status"] in (StepStatus.SKIPPED, StepStatus.PENDING):
            return LeftOut(f"Run {self._earlier.run_id} has no output of it.")
        is_call = node.action is not None and not step.get("fallback")
        if step["status"] == StepStatus.SUCCEEDED and (is_call or step["output"] is not None):
            return Pinned(self._earlier.loaded(step["output"]))
        # The output of a loop or group is not recorded again: it is composed from the inner steps.
        return LeftOut(f"Run {self._earlier.run_id} has no output of it.") if node.action is not None else None

    def _note(self) -> LeftOut:
        return LeftOut(f"Left out: only {self._name} was asked for.")


def _is_met(one: PathPart, other: PathPart) -> bool:
    return one.id == other.id and (one.item is None or other.item is None or one.item == other.item)
