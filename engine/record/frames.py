"""The names that expressions see at one place of a running workflow, and that place's path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NotRequired

from msgspec import Struct
from msgspec.structs import replace
from typing_extensions import ReadOnly, TypedDict

from engine.base.lazy_values import Unknown
from engine.base.step_path import PathPart, StepPath
from engine.compiler.definition.plan import Loop, Node


class RunName(TypedDict):
    """The name `run` of expressions."""

    id: ReadOnly[str]
    started_at: ReadOnly[str | None]
    """When the run first began."""


class Caught(TypedDict):
    """An error as the steps of `on_error` and `on_failure` see it."""

    type: ReadOnly[str]
    message: ReadOnly[str]
    step: ReadOnly[str | None]
    """The path of the step."""


class Record(TypedDict):
    """How a step ended, as expressions see it."""

    status: ReadOnly[str | Unknown]
    """A plain text, since the expression language takes no enum; Unknown in a plan if the step may not run."""
    output: NotRequired[ReadOnly[Any]]
    error: NotRequired[ReadOnly[Caught]]


class LoopTurn(Struct, frozen=True):
    """One item of one enclosing loop."""

    index: int
    key: str | None


class Frame(Struct, frozen=True):
    """The names and the place of the steps of one block."""

    names: Mapping[str, Any]
    """`inputs`, `run`, loop variables; `steps`: a dict that grows while the block runs."""
    path: StepPath | None = None
    """The group or item around the steps, e.g. `each_mail[3]`; None for the steps of the workflow itself."""
    turns: tuple[LoopTurn, ...] = ()
    deadline: datetime | None = None
    """When the first of the enclosing time limits ends."""
    may: str = ""
    """In a plan: why the steps here may not run, as a sentence; empty if they do."""

    @property
    def steps(self) -> dict[str, Record]:
        """The records of the steps visible from here, by id."""
        steps: dict[str, Record] = self.names["steps"]
        return steps

    def path_of(self, node: Node) -> StepPath:
        """Return the path of one of the steps."""
        return StepPath((PathPart(node.id),)) if self.path is None else self.path.inner(node.id)

    def text_of(self, node: Node) -> str:
        """Return the path of one of the steps as text."""
        return node.id if self.path is None else f"{self.path}.{node.id}"

    def inside(self, node: Node, more: Mapping[str, Any] | None = None) -> Frame:
        """Return the frame of a block inside a group; everything the group sees is visible in it."""
        names = {**self.names, **(more or {}), "steps": dict(self.steps)}
        return replace(self, names=names, path=self.path_of(node))

    def until(self, deadline: datetime | None) -> Frame:
        """Return this frame with one more time limit; None: no limit."""
        if deadline is None or (self.deadline is not None and self.deadline <= deadline):
            return self
        return replace(self, deadline=deadline)

    def maybe(self, why: str) -> Frame:
        """Return this frame for steps that may not run; the outermost reason is kept."""
        return self if self.may else replace(self, may=why)

    def turn(self, node: Node, loop: Loop, index: int, item: Any, key: str | None) -> Frame:
        """Return the frame of one item of a loop."""
        names = {**self.names, loop.name: item, "index": index, "steps": dict(self.steps)}
        names["key"] = str(index) if key is None else key
        return replace(
            self, names=names, path=self.path_of(node).item(index), turns=(*self.turns, LoopTurn(index, key))
        )

    def identity_scope(
        self,
        once: str | None,
        origin_run_id: str,
        caller: Sequence[Any] | None = None,
        item: Sequence[str] | None = None,
    ) -> list[Any]:
        """Return what distinguishes a write here from the same step's write elsewhere (docs/architecture.md).

        `item`: what a trigger started the run for; it is the same for every run for that item. In a called run the call
        comes last: the keys of its own loops, its item or its run identify the rest.
        """
        called = [] if caller is None else [list(caller)]
        if once is not None:
            return ["once", once, *called]
        keys = [turn.key for turn in self.turns]
        if keys and None not in keys:
            return ["keys", *keys, *called]
        indexes = [turn.index for turn in self.turns]
        if called:
            return ["call", *indexes, *called]
        return ["run", origin_run_id, *indexes] if item is None else ["item", *item, *indexes]
