"""The run journal: all events of one turn of the engine's loop reach the disk in one transaction.

Everything here happens on the engine's loop thread. A commit blocks that thread for one disk sync; meanwhile nothing
could go on anyway, and what arrives from the worker threads during the sync shares the next one (group commit).
Where nothing else is about to run, nobody could join, and whoever waits commits at once.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from engine.errors import StorageError
from engine.json_text import compact
from engine.store.database import Database, storage_errors
from engine.store.owners import OWNER_ROW, require_unfenced

Change = Callable[[sqlite3.Cursor], Any]
_INSERT_EVENT = "INSERT INTO events (run_id, number, event) VALUES (?, ?, ?)"
_LATEST_SECONDS = 0.02
_MANY_COMMITS = 32
"""A process that has made so many makes more: it is worth to give the write-ahead log its full length."""
_LONGEST_ROW = 8
"""Every so many commits the loop gets its turn all the same: what is timed, and what has come in, waits no longer."""


class JournalBroken(Exception):
    """An event or change could not be stored. No OrchestraError: no `on_error` of a workflow may catch it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Journal:
    """Appends events and other row changes; `committed()` waits until all of them so far are on disk."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self.owner = owner
        """The process that writes: others may have fenced it off."""
        self._connection = database.raw_connection()
        self._events: list[tuple[str, int, str]] = []
        self._changes: list[tuple[Change, asyncio.Future[Any], str | None]] = []
        self._has_more = False
        """Whether anything was added since the last commit."""
        self._waiters: list[asyncio.Future[None]] = []
        """One for each that waits for it: cancelling one must not take it from the others."""
        self._is_due = False
        self._row = 0
        self._commits = 0
        self._alarm: asyncio.TimerHandle | None = None
        self._broken: dict[str, Exception] = {}

    def begin(self, run_id: str) -> None:
        """Start (again) to take events of a run: what could not be stored of it before is forgotten."""
        self._broken.pop(run_id, None)

    def append(self, run_id: str, number: int, event: dict[str, Any]) -> None:
        """Add an event of a run; it is on disk after the next `committed()`, or soon where nobody waits for it.

        Once an event of a run is lost, none of it is taken any more: what follows would tell of a past with a hole.
        """
        if run_id in self._broken:
            return
        self._events.append((run_id, number, compact(event)))
        self._has_more = True
        self._flush_soon()

    def change(self, change: Change, run_id: str | None = None) -> asyncio.Future[Any]:
        """Run `change(cursor)` inside the next transaction; the future has its result once that is on disk.

        The future raises JournalBroken where it could not be stored; so does `committed` of the run `run_id` then.
        """
        self._flush_next()
        return self._added(change, run_id)

    def note(self, change: Change, run_id: str) -> None:
        """Run a change of a run inside the next transaction that somebody waits for, or soon.

        Where it could not be stored, `committed` of the run raises JournalBroken.
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

    def is_ours(self) -> bool:
        """Tell whether no other process has taken over so far."""
        return bool(self.read(OWNER_ROW, (self.owner,)))

    def close(self) -> None:
        """Write what is left and close the connection."""
        self._flush()
        self._connection.close()

    def _is_alone(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Tell whether nothing else is about to run: a turn of the loop would cost more than the rest of the step.

        Loops do not say so to all; one that keeps no list of what is ready gets its turn each time.
        """
        self._row = (self._row + 1) % _LONGEST_ROW
        return self._row != 0 and not getattr(loop, "_ready", True)

    def _flush_next(self) -> None:
        """Commit in the next turn of the loop: somebody waits for it."""
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush_soon(self) -> None:
        if self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(_LATEST_SECONDS, self._remind)

    def _remind(self) -> None:
        """Commit what nobody waits for, such as that a step has begun; it mostly went with what somebody waited for."""
        self._alarm = None
        if not self._is_due:
            self._flush()

    def _flush(self) -> None:
        self._is_due = False
        if not self._has_more:  # `close` was faster
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
            with suppress(StorageError):  # what cannot be longer works as it is
                self._database.lengthen()

    def _commit(self, events: list[tuple[str, int, str]], changes: list[Change]) -> list[Any]:
        with self._database.write_lock:
            try:
                return self._committed(self._connection.cursor(), events, changes)
            except (sqlite3.Error, OSError) as error:
                with storage_errors(self._database.path):  # entered only here: it would cost each step a little
                    raise error from None

    def _committed(
        self, cursor: sqlite3.Cursor, events: list[tuple[str, int, str]], changes: list[Change]
    ) -> list[Any]:
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
    """Take note of the error of a change that nobody waits for: its run hears of it by `committed`."""
    if not future.cancelled():
        future.exception()
