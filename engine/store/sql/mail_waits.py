"""Steps that wait for mail in `state.db`; the end of a run deletes its rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from engine.store.mail_waits import AwaitedMailbox, WaitingStep
from engine.store.sql.base.database import Cursor, StateDatabase
from engine.store.sql.base.places import padded, places
from engine.store.sql.journal import SqlJournal

_MAILBOXES = (
    "SELECT connection, mode, min(looked_at) FROM mail_waits WHERE EXISTS"
    " (SELECT 1 FROM runs WHERE runs.run_id = mail_waits.run_id AND ended_at IS NULL)"
    " GROUP BY connection, mode ORDER BY connection, mode"
)
_OF = "SELECT run_id, path, name FROM mail_waits WHERE connection = ? AND mode = ? AND name IN ({places})"
_HINT = "UPDATE mail_waits SET hints = hints + 1 WHERE run_id = ? AND path = ? AND name = ?"
_WAKE = "UPDATE runs SET due_at = ? WHERE run_id = ? AND status = 'waiting'"
_BEGIN = (
    "INSERT INTO mail_waits (run_id, path, name, connection, mode, looked_at, hints) VALUES (?, ?, ?, ?, ?, ?, 0)"
    " ON CONFLICT (run_id, path, name) DO UPDATE SET looked_at = excluded.looked_at"
)
_HINTS = "SELECT sum(hints) FROM mail_waits WHERE run_id = ? AND path = ?"
_END = "DELETE FROM mail_waits WHERE run_id = ? AND path = ?"
_MOST_TOGETHER = 500
"""How many names one statement has."""


class SqlMailWaits:
    """Reads and wakes all waits."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def mailboxes(self) -> list[AwaitedMailbox]:
        """Return the mailboxes in which anything is awaited."""
        with self._database.asking() as cursor:
            return [AwaitedMailbox(*row) for row in cursor.execute(_MAILBOXES).fetchall()]

    def of(self, mailbox: AwaitedMailbox, names: Collection[str]) -> list[WaitingStep]:
        """Return the waits for mail in conversations with these ids."""
        found, wanted = list[WaitingStep](), sorted(names)
        with self._database.asking() as cursor:
            for first in range(0, len(wanted), _MOST_TOGETHER):
                some = padded(wanted[first : first + _MOST_TOGETHER])
                statement = _OF.format(places=places(some))
                rows = cursor.execute(statement, (mailbox.connection, mailbox.mode, *some)).fetchall()
                found += [WaitingStep(*row) for row in rows]
        return found

    def wake(self, waits: Sequence[WaitingStep], at: str) -> None:
        """Leave a hint for each of these waits, and wake their runs."""
        with self._database.writing() as connection:
            cursor = self._database.cursor_of(connection)
            for one in waits:
                cursor.execute(_HINT, one)
            for run_id in sorted({one.run_id for one in waits}):
                cursor.execute(_WAKE, (at, run_id))  # the process that owns the run wakes it


class SqlOwnMailWaits:
    """Records the waits of one process."""

    def __init__(self, journal: SqlJournal) -> None:
        self._journal = journal

    def begin(self, run_id: str, path: str, connection: str, mode: str, names: Sequence[str], at: str) -> None:
        """Record that a step waits, or goes on waiting, for mail in a conversation with these ids; hints stay."""
        rows = [(run_id, path, name, connection, mode, at) for name in names]

        def put(cursor: Cursor) -> None:
            cursor.executemany(_BEGIN, rows)

        self._journal.change(put, run_id)

    def hints(self, run_id: str, path: str) -> int | None:
        """Return how many hints there are for a step; None if no wait of it is known."""
        [(found,)] = self._journal.read(_HINTS, (run_id, path))
        return None if found is None else int(found)

    def end(self, run_id: str, path: str) -> None:
        """Forget the waits of a step."""
        self._journal.note(lambda cursor: cursor.execute(_END, (run_id, path)), run_id)
