"""The port of renames: receipts follow a step to its new id."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

from engine.store.triggering.triggers import TriggerKey

T = TypeVar("T")


@dataclass(frozen=True)
class StepRename:
    """A new id for a step of a workflow."""

    workflow: str
    """The id of the workflow."""
    new: str
    step: str
    """The step's former id."""

    def applied(self, identity: str) -> str:
        """Return the identity of a write under the new id; identities not affected are returned unchanged."""
        account, *place = json.loads(identity)
        moved = self._placed(place)
        return identity if moved == place else json.dumps([account, *moved], ensure_ascii=False, separators=(",", ":"))

    def _placed(self, place: list[Any]) -> list[Any]:
        """Return [workflow, path, *scope] under the new id; a scope may contain the place of the calling step."""
        workflow, path, *scope = place
        inner = [self._placed(one) if isinstance(one, list) and len(one) > _SHORTEST_PLACE else one for one in scope]
        if workflow != self.workflow:
            return [workflow, path, *inner]
        return [workflow, ".".join(self.new if name == self.step else name for name in path.split(".")), *inner]


_SHORTEST_PLACE = 2
"""A list of this length is not a place: `["again", run id]` in a scope lacks a kind."""


@dataclass(frozen=True)
class BegunRename:
    """Renames of steps of one workflow that have begun, and are completed together."""

    renames: tuple[StepRename, ...]
    """In an order in which each new id is free."""
    at: str
    etag: str
    """The etag of the workflow's file after them."""

    @property
    def workflow(self) -> str:
        """The id of the workflow."""
        return self.renames[0].workflow


class OpenRun(NamedTuple):
    """An open run of a workflow, or one that may call it.

    `workflow` is its name when the run was accepted; `acceptance` is JSON.
    """

    workflow: str
    acceptance: str


Check: TypeAlias = Callable[[Sequence[OpenRun]], None]
"""Raises an error if the open runs, as they are inside the transaction, forbid the change."""


class RenameStore(Protocol):
    """Moves the receipts of steps, and ends what belongs to a deleted workflow; any thread.

    Each verb is one transaction. Functions that are passed in work on files inside the transaction: if one raises,
    nothing has changed here.
    """

    def is_begun(self) -> bool:
        """Return whether a rename is in progress, or was interrupted."""

    def last(self) -> str:
        """Return the text that identifies the last rename, empty if there was none."""

    def begin(self, begun: BegunRename, check: Check) -> None:
        """Record that a rename has begun, unless `check` raises."""

    def complete(self, begun: BegunRename, check: Check, save: Callable[[], None], follow: Callable[[], None]) -> None:
        """Call `save`, move receipts, call `follow`, and record that the rename is complete."""

    def settle(self, is_done: Callable[[BegunRename], bool], follow: Callable[[BegunRename], None]) -> None:
        """Complete a rename in progress if `is_done` says so of its files, else forget it; without one do nothing."""

    def turn_off(self, workflow_id: str, check: Check) -> list[TriggerKey]:
        """Turn the triggers of a workflow off, unless `check` raises; return the ones that were on."""

    def delete(self, workflow_id: str, check: Check, delete: Callable[[], T]) -> T:
        """Call `delete`, and forget what was agreed for the workflow; plans made before are no longer accepted."""

    def turn_on(self, keys: Sequence[TriggerKey]) -> None:
        """Turn triggers on again as they were."""
