"""What expressions see at one place of a running workflow, and where that place is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from engine.compiler.plan import Loop, Node

Record = dict[str, Any]
"""How a step ended, as expressions see it: {status, output?, error?}."""


@dataclass(frozen=True)
class Turn:
    """One item of one loop around a step."""

    index: int
    key: str | None


@dataclass(frozen=True)
class Frame:
    """Names and place of the steps of one block."""

    names: Mapping[str, Any]
    """`inputs`, `run`, loop variables; `steps`: a dict that fills while the block runs."""
    prefix: str = ""
    """Run path up to here, e.g. `each_mail[3].`"""
    turns: tuple[Turn, ...] = ()
    deadline: datetime | None = None
    """When the first of the time limits around is over."""

    @property
    def steps(self) -> dict[str, Any]:
        """The records of the steps that can be seen from here, by id."""
        steps: dict[str, Any] = self.names["steps"]
        return steps

    def inside(self, node: Node, more: Mapping[str, Any] | None = None) -> Frame:
        """Return the frame of a block inside a group; it sees all that the group sees."""
        names = {**self.names, **(more or {}), "steps": dict(self.steps)}
        return replace(self, names=names, prefix=f"{self.prefix}{node.id}.")

    def until(self, deadline: datetime | None) -> Frame:
        """Return this place within one more time limit; None is no limit."""
        if deadline is None or (self.deadline is not None and self.deadline <= deadline):
            return self
        return replace(self, deadline=deadline)

    def turn(self, node: Node, loop: Loop, index: int, item: Any, key: str | None) -> Frame:
        """Return the frame of one item of a loop."""
        names = {**self.names, loop.name: item, "index": index, "steps": dict(self.steps)}
        names["key"] = str(index) if key is None else key
        return replace(
            self, names=names, prefix=f"{self.prefix}{node.id}[{index}].", turns=(*self.turns, Turn(index, key))
        )

    def identity_scope(
        self,
        once: str | None,
        origin_run_id: str,
        caller: Sequence[Any] | None = None,
        item: Sequence[str] | None = None,
    ) -> list[Any]:
        """Return what tells a write here from the same step's write elsewhere (docs/architecture.md).

        `item`: what a trigger started the run for; it stands for every run of that thing. In a run that another one
        called, the call comes last: its own loops' keys, its item or its run, tell the rest.
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
