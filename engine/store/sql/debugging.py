"""The state of debug runs in `state.db`."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from engine.base.typed_json import decoder_of
from engine.store.debugging import DebugState
from engine.store.sql.base.database import StateDatabase
from engine.store.sql.journal import SqlJournal

_ONE = "SELECT state FROM debugging WHERE run_id = ?"
_PUT = "INSERT INTO debugging (run_id, state) VALUES (?, ?) ON CONFLICT (run_id) DO UPDATE SET state = excluded.state"
_IS_OPEN = "SELECT 1 FROM runs WHERE run_id = ? AND ended_at IS NULL"
_WAKE = "UPDATE runs SET due_at = ? WHERE run_id = ? AND status = 'waiting'"


class SqlDebugging:
    """Reads and changes rows of `debugging`; the end of a run deletes its row."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def get(self, run_id: str) -> DebugState | None:
        """Return the state of a run, None if nobody has changed it since its start."""
        with self._database.asking() as cursor:
            return _state(cursor.execute(_ONE, (run_id,)).fetchone())

    def change(self, run_id: str, change: Callable[[DebugState | None], DebugState], at: str) -> bool:
        """Replace the state of an open run, and wake the run if it waits; return False if it has ended."""
        with self._database.writing() as connection:
            cursor = self._database.cursor_of(connection)
            if cursor.execute(_IS_OPEN, (run_id,)).fetchone() is None:
                return False
            state = change(_state(cursor.execute(_ONE, (run_id,)).fetchone()))
            cursor.execute(_PUT, (run_id, msgspec.json.encode(state).decode()))
            cursor.execute(_WAKE, (at, run_id))  # the process that owns the run wakes it
        return True


class SqlDebuggedRuns:
    """Reads the same on the connection of the loop."""

    def __init__(self, journal: SqlJournal) -> None:
        self._journal = journal

    def state(self, run_id: str) -> DebugState | None:
        """Return the state of a run, None if nobody has changed it since its start."""
        rows = self._journal.read(_ONE, (run_id,))
        return _state(rows[0] if rows else None)


def _state(row: tuple[str] | None) -> DebugState | None:
    state: DebugState | None = decoder_of(DebugState).decode(row[0]) if row else None
    return state
