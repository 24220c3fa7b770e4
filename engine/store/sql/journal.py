"""The run journal: a durable log of events, committed in groups.

A run can be resumed after a crash because each event is on disk before anything that depends on it happens: a step's
intent before its request is sent, its result before the next step starts. Code appends events, then awaits
`committed()`. Waiting for a disk sync per event would be too slow, so all events that the runs produce in one turn
of the event loop share one transaction, and those that arrive during the sync share the next (group commit).
On SQLite everything happens on the loop's thread, which a commit blocks for one sync; if no other task is ready to
run, nobody could join the group, so the waiter commits at once. If a network is in between, a thread commits, and the
loop goes on.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import zip_longest
from typing import Any, TypeVar

from msgspec import Struct

from engine.base.errors import Fenced, StorageError
from engine.store.journal import JournalBroken
from engine.store.sql.base.database import Cursor, EventRow, NothingFound, StateDatabase
from engine.store.sql.workers.owners import OWNER_ROW

Change = Callable[[Cursor], Any]
Item = TypeVar("Item")
_HEALTH = "INSERT INTO meta VALUES ('health', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_LATEST_SECONDS = 0.02
"""How long something that nobody waits for may wait for a commit that somebody does wait for."""
_MANY_COMMITS = 32
"""After this many commits more will follow: it pays to grow the write-ahead log to its full length."""
_LONGEST_ROW = 8
"""Yield to the event loop after this many immediate commits in a row, so that timers and new input are not delayed."""


class _Batch(Struct, eq=False):
    """What is written in one transaction, and who waits for it."""

    events: list[EventRow] = []
    changes: list[tuple[Change, asyncio.Future[Any], str | None]] = []
    gathered: dict[Callable[[Cursor, Sequence[Any]], None], list[tuple[Any, asyncio.Future[Any]]]] = {}
    """What is written by one call for all items, after the changes."""
    waiters: list[asyncio.Future[None]] = []
    """One future per waiter: cancelling one must not affect the others."""

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to write."""
        return not self.events and not self.changes and not self.gathered

    def futures(self) -> Iterator[asyncio.Future[Any]]:
        """Yield the futures of its changes, in the order of their results, then the futures of what was gathered."""
        yield from (future for _, future, _ in self.changes)
        yield from (future for items in self.gathered.values() for _, future in items)


class SqlJournal:
    """Appends events and other row changes; `committed()` waits until everything added so far is on disk."""

    def __init__(self, database: StateDatabase, owner: str) -> None:
        self._database = database
        self.owner = owner
        """The writing process's owner id: another process may have fenced it off."""
        self._connection = database.journal()
        self._batch = _Batch()
        self._under_way: _Batch | None = None
        """What a thread is writing to a database that is far away."""
        self._writing: concurrent.futures.Future[list[Any]] | None = None
        self._is_due = False
        self._row = 0
        self._commits = 0
        self._alarm: asyncio.TimerHandle | None = None
        self._broken: dict[str, Exception] = {}
        self._thread = ThreadPoolExecutor(1, "journal") if database.is_far else None

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
        self._batch.events.append((run_id, number, text))
        if self._alarm is None:
            self._flush_soon()

    def change(self, change: Change, run_id: str | None = None) -> asyncio.Future[Any]:
        """Run `change(cursor)` in the next transaction; the future has its result once that is on disk.

        If it cannot be stored, the future raises JournalBroken, and so does `committed` of the run `run_id`.
        """
        self._flush_next()
        return self._added(change, run_id)

    def gather(self, change: Callable[[Cursor, Sequence[Item]], None], item: Item) -> asyncio.Future[Any]:
        """Run `change(cursor, items)` in the next transaction, once for all items gathered for it, after other changes.

        The future is done once that is on disk; if it cannot be stored, it raises JournalBroken.
        """
        self._flush_next()
        future = _new_future()
        self._batch.gathered.setdefault(change, []).append((item, future))
        return future

    def note(self, change: Change, run_id: str) -> None:
        """Run a change for a run in the next transaction that somebody waits for, or soon.

        If it cannot be stored, `committed` of the run raises JournalBroken.
        """
        self._flush_soon()
        self._added(change, run_id)

    def _added(self, change: Change, run_id: str | None) -> asyncio.Future[Any]:
        future = _new_future()
        self._batch.changes.append((change, future, run_id))
        return future

    async def committed(self, run_id: str) -> None:
        """Wait until every event of a run so far is on disk.

        Raises JournalBroken if one of them could not be stored, now or earlier: the run must stop then.
        """
        batch = self._batch
        if batch.events or not batch.is_empty:
            if self._is_alone(asyncio.get_running_loop()):
                self._flush()
            else:
                self._flush_next()
                await _written(batch)
        elif self._under_way is not None:
            await _written(self._under_way)
        if run_id in self._broken:
            raise JournalBroken(self._broken[run_id])

    def read(self, statement: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one short query on the loop's own connection."""
        return self._connection.read(statement, tuple(parameters))

    def still_ours(self) -> asyncio.Future[Any]:
        """Make a transaction; the future raises JournalBroken (Fenced) if another process has taken over."""
        return self.change(lambda cursor: None)

    def mark_health(self, at: str) -> asyncio.Future[Any]:
        """Store the time of a health check."""
        return self.change(lambda cursor: cursor.execute(_HEALTH, (at,)))

    def is_ours(self) -> bool:
        """Return whether this process still owns its runs."""
        return bool(self.read(OWNER_ROW, (self.owner,)))

    def hurry(self) -> None:
        """Give up soon from now on if the database is away."""
        self._connection.hurry()

    def close(self) -> None:
        """Write what is pending and close the connection; if the database is away, give up soon."""
        self.hurry()
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None
            if self._under_way is not None and self._writing is not None:
                self._written_by_thread(self._under_way, self._writing)  # the loop may end before its callback
        self._flush()
        self._connection.close()

    def _is_alone(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Return whether no other task is ready: a turn of the loop would cost more than the rest of the step.

        Not every event loop exposes its ready queue; one that does not gets its turn each time.
        """
        self._row = (self._row + 1) % _LONGEST_ROW
        return self._thread is None and self._row != 0 and not getattr(loop, "_ready", True)

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
        batch = self._batch
        if (not batch.events and batch.is_empty) or (self._under_way is not None and self._thread is not None):
            return  # `close` has written it already, or it is written once the thread is free
        self._batch = _Batch()
        if self._broken and (gap := self._gap_before(batch)) is not None:
            self._settle(batch, gap)
            return
        if self._thread is None:
            try:
                results = self._commit(batch)
            except Exception as error:  # noqa: BLE001 - whatever it is, every waiter must hear of it
                self._settle(batch, error)
            else:
                if batch.waiters or batch.changes or batch.gathered:  # else nobody waits for a future of it
                    self._settle(batch, results)
                self._commits += 1
                if self._commits == _MANY_COMMITS:
                    self._lengthen()
            return
        self._under_way, self._writing = batch, self._thread.submit(self._commit, batch)
        done = partial(self._committed, batch, self._writing)
        asyncio.wrap_future(self._writing).add_done_callback(done)

    def _committed(
        self, batch: _Batch, writing: concurrent.futures.Future[list[Any]], done: asyncio.Future[list[Any]]
    ) -> None:
        """Report what became of a batch that a thread has written, and go on with the next, unless `close` has."""
        _heard(done)
        if self._under_way is batch:
            self._written_by_thread(batch, writing)
            self._flush()

    def _written_by_thread(self, batch: _Batch, writing: concurrent.futures.Future[list[Any]]) -> None:
        self._under_way = None
        error = writing.exception()
        self._settle(batch, writing.result() if error is None else error)

    def _gap_before(self, batch: _Batch) -> Exception | None:
        """Return the error that lost earlier events of a run in this batch, which was gathered before the error."""
        return next((self._broken[run_id] for run_id, _, _ in batch.events if run_id in self._broken), None)

    def _settle(self, batch: _Batch, outcome: list[Any] | BaseException) -> None:
        if isinstance(outcome, Exception):
            self._broken.update((run_id, outcome) for run_id, _, _ in batch.events)
            self._broken.update((run_id, outcome) for _, _, run_id in batch.changes if run_id is not None)
            for future in batch.futures():
                if not future.done():
                    future.set_exception(JournalBroken(outcome))
        elif isinstance(outcome, list) and (batch.changes or batch.gathered):  # most have events alone
            for future, result in zip_longest(batch.futures(), outcome):
                if not future.done():
                    future.set_result(result)
        for waiter in batch.waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _lengthen(self) -> None:
        with suppress(StorageError):  # if the log cannot grow, it works as it is
            self._database.lengthen()

    def _commit(self, batch: _Batch) -> list[Any]:
        """Write a batch; a thread does it if the database is far away, so changes use nothing but their cursor."""

        def written(cursor: Cursor) -> list[Any]:
            if batch.events:
                self._connection.add_events(cursor, batch.events)
                if not batch.changes and not batch.gathered:  # as in most
                    return []
            results = [change(cursor) for change, _, _ in batch.changes]
            for change, items in batch.gathered.items():
                change(cursor, [item for item, _ in items])
            return results

        try:
            return self._connection.commit((OWNER_ROW, (self.owner,)), written)
        except NothingFound:  # another process has declared this one dead
            raise Fenced from None


async def _written(batch: _Batch) -> None:
    """Wait until a batch is written, or could not be."""
    waiter = asyncio.get_running_loop().create_future()
    batch.waiters.append(waiter)
    await waiter


def _new_future() -> asyncio.Future[Any]:
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    future.add_done_callback(_heard)
    return future


def _heard(future: asyncio.Future[Any]) -> None:
    """Mark the error of a future that nobody awaits as seen: the runs get it from `committed`."""
    if not future.cancelled():
        future.exception()
