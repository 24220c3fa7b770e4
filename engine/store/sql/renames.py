"""Renames in `state.db`: receipts move to the new id of their step."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import select, tuple_

from engine.base.statuses import OPEN_RUNS
from engine.store.renames import BegunRename, Check, OpenRun, StepRename
from engine.store.sql.base.database import Cursor, StateDatabase
from engine.store.sql.base.tables import effects, meta, runs, settings, triggers
from engine.store.triggering.triggers import TriggerKey

if TYPE_CHECKING:
    from sqlalchemy import Connection


T = TypeVar("T")
_KEY = (triggers.c.workflow, triggers.c.trigger, triggers.c.account, triggers.c.source)
BEGUN_RENAME = "rename"
"""Key in `meta` of a rename in progress."""

_LAST_RENAME = "last_rename"
"""Key in `meta` of a text that is unique to the last rename."""

_RENAMES = "SELECT key, value FROM meta WHERE key IN (?, ?)"


class SqlRenames:
    """Moves receipts; deletes what belongs to a workflow."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def is_begun(self) -> bool:
        """Return whether a rename is in progress, or was interrupted."""
        return self._database.has_fact(BEGUN_RENAME)

    def last(self) -> str:
        """Return the text that identifies the last rename, empty if there was none."""
        return self._database.fact(_LAST_RENAME) or ""

    def begin(self, begun: BegunRename, check: Check) -> None:
        """Record that a rename has begun, unless `check` raises."""
        with self._database.writing() as connection:
            check(_open_runs(connection, begun.workflow))
            connection.execute(meta.insert().values(key=BEGUN_RENAME, value=json.dumps(asdict(begun))))

    def complete(self, begun: BegunRename, check: Check, save: Callable[[], None], follow: Callable[[], None]) -> None:
        """Call `save`, move receipts, call `follow`, and record that the rename is complete."""
        with self._database.writing() as connection:
            check(_open_runs(connection, begun.workflow))
            save()  # first: if this process dies before the commit, `settle` sees the new file and moves the receipts
            move_receipts(connection, begun.renames)
            end_rename(connection)
            follow()

    def settle(self, is_done: Callable[[BegunRename], bool], follow: Callable[[BegunRename], None]) -> None:
        """Complete a rename in progress if `is_done` says so of its files, else forget it."""
        with self._database.writing() as connection:
            row = connection.execute(meta.select().where(meta.c.key == BEGUN_RENAME)).first()
            if row is None:
                return
            told = json.loads(row.value)
            renames = tuple(StepRename(**one) for one in told["renames"])
            begun = BegunRename(renames, told["at"], told["etag"])
            if not is_done(begun):
                connection.execute(meta.delete().where(meta.c.key == BEGUN_RENAME))
                return
            move_receipts(connection, begun.renames)
            end_rename(connection)
            follow(begun)

    def turn_off(self, workflow_id: str, check: Check) -> list[TriggerKey]:
        """Turn the triggers of a workflow off, unless `check` raises; return the ones that were on."""
        is_its = triggers.c.workflow == workflow_id
        with self._database.writing() as connection:
            check(_open_runs(connection, workflow_id))
            on = connection.execute(select(*_KEY).where(is_its & (triggers.c.is_on == 1))).all()
            connection.execute(triggers.update().where(is_its).values(is_on=0))
        return [TriggerKey(*row) for row in on]

    def delete(self, workflow_id: str, check: Check, delete: Callable[[], T]) -> T:
        """Call `delete`, and forget what was agreed for the workflow."""
        with self._database.writing() as connection:
            check(_open_runs(connection, workflow_id))
            connection.execute(settings.delete().where(settings.c.key == f"confirmed.{workflow_id}"))
            deleted = delete()
            end_rename(connection)
            return deleted

    def turn_on(self, keys: Sequence[TriggerKey]) -> None:
        """Turn triggers on again as they were."""
        was_on = tuple_(*_KEY).in_([(one.workflow, one.trigger, one.account, one.source) for one in keys])
        with self._database.writing() as connection:
            connection.execute(triggers.update().where(was_on).values(is_on=1))


def _open_runs(connection: Connection, workflow_id: str) -> list[OpenRun]:
    """Return the open runs of a workflow, and open runs whose acceptance names it."""
    # with its quotes, as in the text of the column: not an id that is part of another
    may_call = runs.c.acceptance.contains(json.dumps(workflow_id), autoescape=True)
    is_open = runs.c.status.in_(OPEN_RUNS) & ((runs.c.workflow_id == workflow_id) | may_call)
    found = connection.execute(select(runs.c.workflow, runs.c.acceptance).where(is_open))
    return [OpenRun(*row) for row in found]


def is_last_rename(cursor: Cursor) -> Callable[[str], bool]:
    """Return a check whether a text from `last_rename` is still current, and no rename is in progress."""
    found = dict(cursor.execute(_RENAMES, (BEGUN_RENAME, _LAST_RENAME)).fetchall())
    return lambda known: BEGUN_RENAME not in found and known == found.get(_LAST_RENAME, "")


def end_rename(connection: Connection) -> None:
    """Record that the rename in progress is complete, and so the last one."""
    connection.execute(meta.delete().where(meta.c.key.in_((BEGUN_RENAME, _LAST_RENAME))))
    connection.execute(meta.insert().values(key=_LAST_RENAME, value=secrets.token_hex(8)))


def move_receipts(connection: Connection, renames: Sequence[StepRename]) -> None:
    """Move receipts to their identities under the new ids of steps.

    Open writes keep theirs: what was sent bears the marker of the old id.
    """
    for rename in renames:
        done = connection.execute(effects.select().where(effects.c.state.in_(("done", "undone")))).all()
        for row in done:
            identity = rename.applied(row.identity)
            if identity != row.identity:
                connection.execute(effects.delete().where(effects.c.identity == identity))
                connection.execute(effects.update().where(effects.c.identity == row.identity).values(identity=identity))
