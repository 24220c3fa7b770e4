"""Rename workflows and steps: receipts, triggers and calling workflows follow in state and logs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from clients.plural import counted
from engine.base.clock import Clock
from engine.base.errors import InUse, OrchestraError
from engine.base.names import timestamp
from engine.files.atomic import etag, exclusive
from engine.record.run_log import RunLogs
from engine.store.renames import BegunRename, OpenRun, Rename, Renames
from engine.workspace.file_store import Shelf
from engine.workspace.references import rename_references

T = TypeVar("T")
_BY = "rename"
"""The author recorded for changes to workflows that refer to a renamed one."""
_OF_RENAME = "What they write bears the old name."
_OF_DELETE = "Until then it stays."


def is_done(begun: BegunRename, shelf: Shelf) -> bool:
    """Tell whether the files show that a rename is done."""
    old, new, step = begun.rename.workflow, begun.rename.new, begun.rename.step
    try:
        if step is None:
            return shelf.path(new).exists() and not shelf.path(old).exists()
        return etag(shelf.text(old)) == begun.etag
    except OrchestraError:
        return False


class Renaming:
    """Moves receipts and triggers, and records renames, which are needed to rebuild the state from the logs.

    Files and state cannot change in one transaction, and without its receipts a renamed step would write everything
    again. So the state first records that a rename has begun; a process that finds this record looks at the files
    (`settle`).
    """

    def __init__(self, renames: Renames, logs: RunLogs, shelf: Shelf, clock: Clock, folder: Path) -> None:
        self._renames, self._logs, self._shelf, self._clock = renames, logs, shelf, clock
        self._lock = folder / "rename.lock"

    def workflow(self, name: str, new: str, move: Callable[[], None]) -> None:
        """Move the receipts and triggers of a workflow and `move` its files: both, or neither if that fails.

        Raises InUse while a run could still write under the old name, and what `move` raises.
        """
        self._move(Rename(name, new), "", move)

    def step(self, workflow: str, old: str, new: str, etag: str, save: Callable[[], None]) -> None:
        """Move the receipts of a step and `save` its workflow: both, or neither if saving fails.

        `etag`: of the text to be saved. Raises InUse while a run could still write under the old id, and what `save`
        raises.
        """
        self._move(Rename(workflow, new, old), etag, save)

    def settle(self) -> None:
        """Finish an interrupted rename if its files already have their new names; otherwise discard it.

        Raises StorageError, InvalidFile.
        """
        with exclusive(self._lock):
            self._settle()

    def delete(self, name: str, delete: Callable[[], T]) -> T:
        """Turn the triggers of a workflow off and `delete` its files: another file of that name is another workflow.

        Runs prepared from the old file are no longer accepted. Raises InUse while a run of it, or of a workflow that
        calls it, is open, and what `delete` raises; then the triggers are restored.
        """
        check = partial(_require_no_open_run, name, _OF_DELETE)
        with exclusive(self._lock):
            self._settle()
            on = self._renames.turn_off(name, check)
            try:
                return self._renames.delete(name, check, delete)  # checked again: a run may have started since
            except BaseException:
                with suppress(OrchestraError):
                    self._renames.turn_on(on)
                raise

    def _move(self, rename: Rename, etag: str, save: Callable[[], None]) -> None:
        begun = BegunRename(rename, timestamp(self._clock()), etag)
        check = partial(_require_no_open_run, rename.workflow, _OF_RENAME)
        with exclusive(self._lock):
            self._settle()
            self._renames.begin(begun, check)
            try:  # checked again: a run may have started since
                self._renames.complete(begun, check, save, lambda: self._follow(begun))
            except BaseException:
                with suppress(OrchestraError):
                    self._settle()
                raise

    def _settle(self) -> None:
        def follow(begun: BegunRename) -> None:
            if begun.rename.step is None:
                self._shelf.history.rename(begun.rename.workflow, begun.rename.new)
            self._follow(begun)

        self._renames.settle(lambda begun: is_done(begun, self._shelf), follow)

    def _follow(self, begun: BegunRename) -> None:
        """Change the files that refer to the old name, and record the rename."""
        rename = begun.rename
        if rename.step is None:
            with self._shelf.editing():
                rename_references(self._shelf, "workflow", rename.workflow, rename.new, _BY)
        self._logs.keep_rename(rename, begun.at)


def _require_no_open_run(workflow: str, why: str, found: Sequence[OpenRun]) -> None:
    """Raise InUse if an open run will still write under the workflow's old state: one of its own or of a caller."""
    whose = [run.workflow for run in found if run.workflow == workflow or workflow in _called(run.acceptance)]
    if whose:
        names = " and ".join(repr(one) for one in dict.fromkeys(whose))
        message = f"{counted(len(whose), 'run')} of {names} {'have' if len(whose) != 1 else 'has'} not ended."
        raise InUse(message, remedy=f"Let them end, or cancel them: `orchestra runs list`. {why}")


def _called(acceptance: str) -> Mapping[str, Any]:
    called: Mapping[str, Any] = json.loads(acceptance)["definition"].get("workflows", {})
    return called
