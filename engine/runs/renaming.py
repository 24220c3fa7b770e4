"""Rename steps: receipts follow in state and logs. Delete workflows: their triggers are turned off."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

from clients.wording import counted
from engine.base.clock import Clock, timestamp
from engine.base.errors import InUse, OrchestraError
from engine.base.names import workflow_id, workflow_id_of
from engine.files.atomic import etag
from engine.record.run_log import RunLogs
from engine.store.renames import BegunRename, OpenRun, RenameStore, StepRename
from engine.workspace.workspace import Workspace

T = TypeVar("T")
_OF_RENAME = "What they write bears the old id."
_OF_DELETE = "Until then it stays."


class Renaming:
    """Moves the receipts of steps, and records renames, which are needed to rebuild the state from the logs.

    Files and state cannot change in one transaction, and without its receipts a renamed step would write everything
    again. So the state first records that a rename has begun; a process that finds this record looks at the file
    (`settle`). Workflows need none of this: what is kept about them is found by their ids.
    """

    def __init__(self, renames: RenameStore, logs: RunLogs, workspace: Workspace, clock: Clock) -> None:
        self._renames, self._logs, self._clock = renames, logs, clock
        self._file_store, self._ids = workspace.workflows, workspace.workflow_ids
        self._texts = workspace.texts

    def steps(self, name: str, renames: Sequence[tuple[str, str]], etag: str, save: Callable[[], None]) -> None:
        """Move the receipts of steps and `save` their workflow: both, or neither if saving fails.

        `renames`: (old, new), in an order in which each new id is free; `etag`: of the text to be saved. Raises InUse
        while a run could still write under an old id, and what `save` raises.
        """
        id_ = self._ids.of(name)
        begun = BegunRename(tuple(StepRename(id_, new, old) for old, new in renames), timestamp(self._clock()), etag)
        check = partial(_require_no_open_run, id_, _OF_RENAME)
        with self._texts.locked("rename"):
            self._settle()
            self._renames.begin(begun, check)
            try:  # checked again: a run may have started since
                self._renames.complete(begun, check, save, lambda: self._record(begun))
            except BaseException:
                with suppress(OrchestraError):
                    self._settle()
                raise

    def settle(self) -> None:
        """Finish an interrupted rename if the file already has the new id; otherwise discard it.

        Raises StorageError, InvalidFile.
        """
        with self._texts.locked("rename"):
            self._settle()

    def delete(self, name: str, delete: Callable[[], T]) -> T:
        """Turn the triggers of a workflow off and `delete` its files: another file of that name is another workflow.

        Runs prepared from the old file are no longer accepted. Raises InUse while a run of it, or of a workflow that
        calls it, is open, and what `delete` raises; then the triggers are restored. A copy made by hand is deleted
        without all this: what is kept under its id belongs to the other file.
        """
        if self._ids.is_copy(name):
            return delete()
        id_ = self._ids.of(name)
        check = partial(_require_no_open_run, id_, _OF_DELETE)
        with self._texts.locked("rename"):
            self._settle()
            self._ids.reserved()  # an `access` that nobody has read yet is remembered: it closes the runs, too
            on = self._renames.turn_off(id_, check)
            try:
                return self._renames.delete(id_, check, delete)  # checked again: a run may have started since
            except BaseException:
                with suppress(OrchestraError):
                    self._renames.turn_on(on)
                raise

    def _settle(self) -> None:
        self._renames.settle(self._is_done, self._record)

    def _is_done(self, begun: BegunRename) -> bool:
        """Return whether the file shows that a rename is done."""
        try:
            return etag(self._file_store.text(self._ids.name(begun.workflow) or begun.workflow)) == begun.etag
        except OrchestraError:
            return False

    def _record(self, begun: BegunRename) -> None:
        self._logs.keep_renames(begun.renames, begun.at)


def _require_no_open_run(id_: str, why: str, found: Sequence[OpenRun]) -> None:
    """Raise InUse if an open run is one of this workflow or of a workflow that calls it."""
    whose = [run.workflow for run in found if _concerns(run, id_)]
    if whose:
        names = " and ".join(repr(one) for one in dict.fromkeys(whose))
        message = f"{counted(len(whose), 'run')} of {names} {'have' if len(whose) != 1 else 'has'} not ended."
        raise InUse(message, remedy=f"Let them end, or cancel them: `orchestra runs list`. {why}")


def _concerns(run: OpenRun, id_: str) -> bool:
    acceptance = json.loads(run.acceptance)
    called = acceptance["definition"].get("workflows", {})
    return id_ == workflow_id_of(acceptance) or any(workflow_id(one, name) == id_ for name, one in called.items())
