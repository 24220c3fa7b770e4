"""Other names for workflows and steps: receipts, and what triggers have seen, go along in the state and the logs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.clock import Clock
from engine.errors import InUse, OrchestraError
from engine.names import timestamp
from engine.runs.run_log import RunLogs
from engine.store.database import Database
from engine.store.receipts import BEGUN_RENAME, Rename, end_rename, move_receipts
from engine.store.run_rows import OPEN
from engine.store.tables import meta, runs, triggers
from engine.store.trigger_state import rename_workflow
from engine.workspace.files import etag, exclusive
from engine.workspace.shelf import Shelf

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class _Begun:
    """A rename that was begun at a time; `etag`: of its file once it is done (of a step only)."""

    rename: Rename
    at: str
    etag: str

    def is_done(self, shelf: Shelf) -> bool:
        """Tell whether the files say that it was done."""
        old, new, step = self.rename.workflow, self.rename.new, self.rename.step
        try:
            if step is None:
                return shelf.path(new).exists() and not shelf.path(old).exists()
            return etag(shelf.text(old)) == self.etag
        except OrchestraError:
            return False


class Renaming:
    """Moves receipts and triggers, and writes renames down: they are needed when the state is read from the logs.

    Files and state cannot change in one transaction, and under a new name without its receipts everything would be
    written once more. So it is kept that a rename has begun; whoever finds that looks at the files (`settle`).
    """

    def __init__(self, database: Database, logs: RunLogs, shelf: Shelf, clock: Clock) -> None:
        self._database, self._logs, self._shelf, self._clock = database, logs, shelf, clock
        self._lock = database.path.with_name("rename.lock")

    def workflow(self, name: str, new: str, move: Callable[[], None]) -> None:
        """Move the receipts and triggers of a workflow and `move` its files: both, or nothing where that fails.

        Raises InUse while a run could still write under the old name, and what `move` raises.
        """
        self._move(Rename(name, new), "", move)

    def step(self, workflow: str, old: str, new: str, etag: str, save: Callable[[], None]) -> None:
        """Move the receipts of a step and `save` its workflow: both, or nothing where saving fails.

        `etag`: of the text that is to be saved.
        Raises InUse while a run could still write under the old id, and what `save` raises.
        """
        self._move(Rename(workflow, new, old), etag, save)

    def settle(self) -> None:
        """End a rename that was cut short when its files had their new names already; forget one that was not.

        Raises StorageError, InvalidFile.
        """
        with exclusive(self._lock):
            self._settle()

    def gone(self, name: str) -> None:
        """Turn the triggers of a workflow off that was deleted: another file of that name is another workflow."""
        with self._database.writing() as connection:
            connection.execute(triggers.update().where(triggers.c.workflow == name).values(is_on=0))

    def _move(self, rename: Rename, etag: str, save: Callable[[], None]) -> None:
        begun = _Begun(rename, timestamp(self._clock()), etag)
        with exclusive(self._lock):
            self._settle()
            with self._database.writing() as connection:
                _require_no_open_run(connection, rename.workflow)
                connection.execute(meta.insert().values(key=BEGUN_RENAME, value=json.dumps(asdict(begun))))
            try:
                with self._database.writing() as connection:
                    _require_no_open_run(connection, rename.workflow)  # one may have begun since
                    save()
                    self._follow(connection, begun)
            except BaseException:
                with suppress(OrchestraError):
                    self._settle()
                raise

    def _settle(self) -> None:
        with self._database.writing() as connection:
            row = connection.execute(meta.select().where(meta.c.key == BEGUN_RENAME)).first()
            if row is None:
                return
            told = json.loads(row.value)
            begun = _Begun(Rename(**told["rename"]), told["at"], told["etag"])
            if not begun.is_done(self._shelf):
                connection.execute(meta.delete().where(meta.c.key == BEGUN_RENAME))
                return
            if begun.rename.step is None:
                self._shelf.history.rename(begun.rename.workflow, begun.rename.new)
            self._follow(connection, begun)

    def _follow(self, connection: Connection, begun: _Begun) -> None:
        """Let receipts and triggers follow the files, and write the rename down."""
        rename = begun.rename
        move_receipts(connection, rename)
        if rename.step is None:
            rename_workflow(connection, rename.workflow, rename.new)
        end_rename(connection)
        self._logs.keep_rename(rename, begun.at)


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
