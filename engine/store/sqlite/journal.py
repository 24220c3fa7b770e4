"""The run journal: a durable log of events, committed in groups.

A run can be resumed after a crash because each event is on disk before anything that depends on it happens: a step's
intent before its request is sent, its result before the next step starts. Code appends events, then awaits
`committed()`. Waiting for a disk sync per event would be too slow, so all events that the runs produce in one turn
of the event loop share one transaction, and those that arrive during the sync share the next (group commit).
Everything here happens on the loop's thread, which a commit blocks for one sync; if no other task is ready to run,
nobody could join the group, so the waiter commits at once.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from engine.base.errors import StorageError
from engine.store.journal import JournalBroken
from engine.store.sqlite.file.database import Database, storage_errors
from engine.store.sqlite.owners import OWNER_ROW, require_unfenced

Change = Callable[[sqlite3.Cursor], Any]
_INSERT_EVENT = "INSERT INTO events (run_id, number, event) VALUES (?, ?, ?)"
_LATEST_SECONDS = 0.02
_MANY_COMMITS = 32
"""After this many commits more will follow: it pays to grow the write-ahead log to its full length."""
_LONGEST_ROW = 8
"""Yield to the event loop after this many immediate commits in a row, so that timers and new input are not delayed."""


class SqliteJournal:
    """Appends events and other row changes; `committed()` waits until everything added so far is on disk."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self.owner = owner
        """The writing process's owner id: another process may have fenced it off."""
        self._connection = database.raw_connection()
        self._events: list[tuple[str, int, str]] = []
        self._changes: list[tuple[Change, asyncio.Future[Any], str | None]] = []
        self._has_more = False
        """Whether anything was added since the last commit."""
        self._waiters: list[asyncio.Future[None]] = []
        """One future per waiter: cancelling one must not affect the others."""
        self._is_due = False
        self._row = 0
        self._commits = 0
        self._alarm: asyncio.TimerHandle | None = None
        self._broken: dict[str, Exception] = {}

    def begin(self, run_id: str) -> None:
        """Accept events of a run (again): forget an earlier failure to store them."""
        self._broken.pop(run_id, None)

    def append(self, run_id: str, number: int, text: str) -> None:
        """Add an event of a run, as JSON text.

        It is on disk after the next `committed()`, or soon if nobody waits for it. Once an event of a run is lost, no
        more are accepted: the run's history would have a gap.
        """
        if run_id in self._broken:
            return
        self._events.append((run_id, number, text))
        self._has_more = True
        self._flush_soon()

    def change(self, change: Change, run_id: str | None = None) -> asyncio.Future[Any]:
        """Run `change(cursor)` in the next transaction; the future has its result once that is on disk.

        If it cannot be stored, the future raises JournalBroken, and so does `committed` of the run `run_id`.
        """
        self._flush_next()
        return self._added(change, run_id)

    def note(self, change: Change, run_id: str) -> None:
        """Run a change for a run in the next transaction that somebody waits for, or soon.

        If it cannot be stored, `committed` of the run raises JournalBroken.
        """
        self._flush_soon()
        self._added(change, run_id)

    def _added(self, change: Change, run_id: str | None) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        future.add_done_callback(_heard)
        self._changes.append((change, future, run_id))
        self._has_more = True
        return future

    async def committed(self, run_id: str) -> None:
        """Wait until every event of a run so far is on disk.

        Raises JournalBroken if one of them could not be stored, now or earlier: the run must stop then.
        """
        if self._has_more:
            loop = asyncio.get_running_loop()
            if self._is_alone(loop):
                self._flush()
            else:
                self._flush_next()
                waiter = loop.create_future()
                self._waiters.append(waiter)
                await waiter
        if run_id in self._broken:
            raise JournalBroken(self._broken[run_id])

    def read(self, statement: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one short query on the loop's own connection."""
        with storage_errors(self._database.path):
            return self._connection.execute(statement, tuple(parameters)).fetchall()

    def still_ours(self) -> asyncio.Future[Any]:
        """Make a transaction; the future raises JournalBroken (Fenced) if another process has taken over."""
        return self.change(lambda cursor: None)

    def mark_health(self, at: str) -> asyncio.Future[Any]:
        """Store the time of a health check."""
        return self.change(lambda cursor: cursor.execute("INSERT OR REPLACE INTO meta VALUES ('health', ?)", (at,)))

    def is_ours(self) -> bool:
        """Return whether this process still owns its runs."""
        return bool(self.read(OWNER_ROW, (self.owner,)))

    def close(self) -> None:
        """Write what is pending and close the connection."""
        self._flush()
        self._connection.close()

    def _is_alone(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Return whether no other task is ready: a turn of the loop would cost more than the rest of the step.

        Not every event loop exposes its ready queue; one that does not gets its turn each time.
        """
        self._row = (self._row + 1) % _LONGEST_ROW
        return self._row != 0 and not getattr(loop, "_ready", True)

    def _flush_next(self) -> None:
        """Commit in the next turn of the loop: somebody is waiting."""
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush_soon(self) -> None:
        if self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(_LATEST_SECONDS, self._remind)

    def _remind(self) -> None:
        """Commit what nobody waits for, such as the start of a step, unless an awaited commit has included it."""
        self._alarm = None
        if not self._is_due:
            self._flush()

    def _flush(self) -> None:
        self._is_due = False
        if not self._has_more:  # `close` has committed it already
            return
        events, changes, waiters = self._events, self._changes, self._waiters
        self._events, self._changes, self._waiters, self._has_more = [], [], [], False
        try:
            results = self._commit(events, [change for change, _, _ in changes])
        except Exception as error:  # noqa: BLE001 - whatever it is, every waiter must hear of it
            self._broken.update((run_id, error) for run_id, _, _ in events)
            self._broken.update((run_id, error) for _, _, run_id in changes if run_id is not None)
            for _, future, _ in changes:
                if not future.done():
                    future.set_exception(JournalBroken(error))
        else:
            for (_, future, _), result in zip(changes, results, strict=True):
                if not future.done():
                    future.set_result(result)
            self._count()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _count(self) -> None:
        self._commits += 1
        if self._commits == _MANY_COMMITS:
            with suppress(StorageError):  # if the log cannot grow, it works as it is
                self._database.lengthen()

    def _commit(self, events: list[tuple[str, int, str]], changes: list[Change]) -> list[Any]:
        with self._database.write_lock:
            try:
                return self._committed(self._connection.cursor(), events, changes)
            except (sqlite3.Error, OSError) as error:
                with storage_errors(self._database.path):  # entered only here: it would slow down each step a little
                    raise error from None

    def _committed(
        self, cursor: sqlite3.Cursor, events: list[tuple[str, int, str]], changes: list[Change]
    ) -> list[Any]:
        self._database.require_in_place()  # a commit into a deleted file would be lost
        cursor.execute("BEGIN IMMEDIATE")
        try:
            require_unfenced(cursor, self.owner)  # no other process has declared this one dead
            cursor.executemany(_INSERT_EVENT, events)
            results = [change(cursor) for change in changes]
            cursor.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                cursor.execute("ROLLBACK")
            raise
        return results


def _heard(future: asyncio.Future[Any]) -> None:
    """Mark the error of an unawaited change as seen: its run gets it from `committed`."""
    if not future.cancelled():
        future.exception()
