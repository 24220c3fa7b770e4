"""Other names for workflows and steps: receipts, and what triggers have seen, go along in the state and the logs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.clock import Clock
from engine.errors import InUse
from engine.names import timestamp
from engine.runs.run_log import RunLogs
from engine.store.database import Database
from engine.store.receipts import Rename, move_receipts
from engine.store.run_rows import OPEN
from engine.store.tables import runs, triggers
from engine.store.trigger_state import rename_workflow

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Renaming:
    """Moves receipts and triggers, and writes renames down: they are needed when the state is read from the logs."""

    def __init__(self, database: Database, logs: RunLogs, clock: Clock) -> None:
        self._database, self._logs, self._clock = database, logs, clock

    def workflow(self, name: str, new: str, move: Callable[[], None]) -> None:
        """Move the receipts and triggers of a workflow and `move` its files: both, or nothing where that fails.

        Raises InUse while a run could still write under the old name, and what `move` raises.
        """
        self._move(Rename(name, new), name, move)

    def step(self, workflow: str, old: str, new: str, save: Callable[[], None]) -> None:
        """Move the receipts of a step and `save` its workflow: both, or nothing where saving fails.

        Raises InUse while a run could still write under the old id, and what `save` raises.
        """
        self._move(Rename(workflow, new, old), workflow, save)

    def gone(self, name: str) -> None:
        """Turn the triggers of a workflow off that was deleted: another file of that name is another workflow."""
        with self._database.writing() as connection:
            connection.execute(triggers.update().where(triggers.c.workflow == name).values(is_on=0))

    def _move(self, rename: Rename, workflow: str, save: Callable[[], None]) -> None:
        with self._database.writing() as connection:
            _require_no_open_run(connection, workflow)
            move_receipts(connection, rename)
            if rename.step is None:
                rename_workflow(connection, rename.workflow, rename.new)
            save()
            self._logs.keep_rename(rename, timestamp(self._clock()))


def _require_no_open_run(connection: Connection, workflow: str) -> None:
    """Look for runs that have not ended and will still write as the workflow was: its own, and such as call it."""
    may_call = runs.c.acceptance.contains(json.dumps(workflow), autoescape=True)
    is_open = runs.c.status.in_(OPEN) & ((runs.c.workflow == workflow) | may_call)
    found = connection.execute(select(runs.c.workflow, runs.c.acceptance).where(is_open)).all()
    count = sum(row.workflow == workflow or workflow in _called(row.acceptance) for row in found)
    if count:
        message = f"{count} run{'s' * (count != 1)} of {workflow!r} {'have' if count != 1 else 'has'} not ended."
        remedy = "Let them end, or cancel them: `orchestra runs list`. What they write bears the old name."
        raise InUse(message, remedy=remedy)


def _called(acceptance: str) -> Mapping[str, Any]:
    called: Mapping[str, Any] = json.loads(acceptance)["definition"].get("workflows", {})
    return called
