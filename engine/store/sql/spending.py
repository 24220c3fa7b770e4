"""What model calls use, in `state.db`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.store.spending import Amount, BucketLevel, Decide, Reservation, SpendingBucket, Verdict
from engine.store.sql.base.database import Cursor, StateDatabase
from engine.store.sql.base.hidden_runs import hidden_condition
from engine.store.sql.journal import SqlJournal

_COLUMNS = ", ".join(Amount._fields)
_SPENT = f"SELECT {_COLUMNS} FROM spending WHERE scope = ? AND period = ?"  # noqa: S608 - columns of ours
_ADD = (
    f"INSERT INTO spending (scope, period, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (scope, period)"  # noqa: S608
    f" DO UPDATE SET {', '.join(f'{name} = spending.{name} + excluded.{name}' for name in Amount._fields)}"
)
_RESERVE = (
    f"INSERT INTO reservations (id, run_id, owner, pots, at, over_at, {_COLUMNS})"  # noqa: S608
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_SETTLE = f"DELETE FROM reservations WHERE id = ? RETURNING {_COLUMNS}"  # noqa: S608
# A process that was taken over is no longer in `owners`; a run that another process has taken up left its calls.
_ALL_IN_FLIGHT = f"SELECT pots, {_COLUMNS} FROM reservations WHERE over_at > ? AND owner IN (SELECT owner FROM owners)"  # noqa: S608
_IN_FLIGHT = f"{_ALL_IN_FLIGHT} AND (run_id <> ? OR owner = ?)"
_DAILY = (
    f"SELECT scope, period, {_COLUMNS} FROM spending"  # noqa: S608
    " WHERE scope >= ? AND scope < ? AND period BETWEEN ? AND ? ORDER BY scope, period"
)
_PAUSE = "INSERT INTO paused_runs (run_id, at) VALUES (?, ?) ON CONFLICT (run_id) DO NOTHING"
_GO_ON = "DELETE FROM paused_runs WHERE run_id = ?"
_IS_PAUSED = "SELECT 1 FROM paused_runs WHERE run_id = ?"
_PAUSED = (
    "SELECT run_id FROM paused_runs JOIN runs USING (run_id) WHERE runs.ended_at IS NULL AND {condition}"
    " ORDER BY run_id"
)
_LAST_RUNS = (
    f"SELECT {_COLUMNS} FROM runs JOIN spending ON scope = 'run:' || run_id AND period = ''"  # noqa: S608
    " WHERE workflow_id = ? AND demo = ? AND status = 'succeeded' AND is_test = 0 ORDER BY run_id DESC LIMIT ?"
)
_WAKE = "UPDATE runs SET due_at = ? WHERE run_id = ? AND status = 'waiting' AND ended_at IS NULL"


class SqlSpending:
    """Changes the counts in the transactions of a journal."""

    def __init__(self, journal: SqlJournal) -> None:
        self._journal = journal

    def reserve(self, wanted: Reservation, decide: Decide) -> asyncio.Future[Verdict]:
        """Decide about a call and reserve its amount."""
        return self._journal.change(lambda cursor: self._reserved(cursor, wanted, decide))

    def settle(self, reserved: Reservation, amount: Amount, answered: Sequence[SpendingBucket] = ()) -> None:
        """Count what a call has really used."""

        def count(cursor: Cursor) -> None:
            _settled(cursor, reserved, amount)
            _add(cursor, answered, amount)

        self._journal.note(count, reserved.run_id)

    def is_paused(self, run_id: str) -> bool:
        """Return whether a run is noted as paused."""
        return bool(self._journal.read(_IS_PAUSED, (run_id,)))

    def _reserved(self, cursor: Cursor, wanted: Reservation, decide: Decide) -> Verdict:
        owner = self._journal.owner
        in_flight = _by_bucket(cursor.execute(_IN_FLIGHT, (wanted.at, wanted.run_id, owner)).fetchall())
        verdict = decide(BucketLevel(_spent(cursor, wanted.buckets), in_flight))
        if verdict.amount is not None:
            _add(cursor, wanted.buckets, verdict.amount)
            buckets = json.dumps(wanted.buckets)
            kept = (wanted.id, wanted.run_id, owner, buckets, wanted.at, wanted.over_at, *verdict.amount)
            cursor.execute(_RESERVE, kept)
            cursor.execute(_GO_ON, (wanted.run_id,))  # ends its pause, if any: its budgets have room again
        elif verdict.is_pause:
            cursor.execute(_PAUSE, (wanted.run_id, wanted.at))
        return verdict


class SqlSpent:
    """Reads the counts, and ends pauses."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def of(self, buckets: Sequence[SpendingBucket]) -> Mapping[SpendingBucket, Amount]:
        """Return what is counted in these buckets."""
        with self._database.asking() as cursor:
            return _spent(cursor, buckets)

    def in_flight(self, at: str) -> Mapping[SpendingBucket, Amount]:
        """Return what calls have reserved whose answer is still to come, by bucket."""
        with self._database.asking() as cursor:
            return _by_bucket(cursor.execute(_ALL_IN_FLIGHT, (at,)).fetchall())

    def daily(self, kind: str, first: str, last: str) -> list[tuple[SpendingBucket, Amount]]:
        """Return what is counted in the buckets of a kind from one day to another."""
        with self._database.asking() as cursor:
            # ";" follows ":"
            rows = cursor.execute(_DAILY, (f"use:{kind}:", f"use:{kind};", first, last)).fetchall()
        return [(SpendingBucket(scope, period), Amount(*amount)) for scope, period, *amount in rows]

    def of_last_runs(self, workflow_id: str, limit: int, *, demo: bool) -> list[Amount]:
        """Return what the newest successful runs of a workflow have used, newest first."""
        with self._database.asking() as cursor:
            return [Amount(*row) for row in cursor.execute(_LAST_RUNS, (workflow_id, int(demo), limit))]

    def paused(self, without: frozenset[str] = frozenset()) -> list[str]:
        """Return the open runs that are paused, oldest first; `without` as in RunFilter."""
        condition, values = hidden_condition(without) if without else ("1 = 1", ())
        with self._database.asking() as cursor:
            return [run_id for (run_id,) in cursor.execute(_PAUSED.format(condition=condition), values)]

    def resume(self, run_ids: Sequence[str], at: str) -> None:
        """Note that these runs are no longer paused, and wake those that wait."""
        with self._database.writing() as connection:
            cursor = self._database.cursor_of(connection)
            for run_id in run_ids:
                cursor.execute(_GO_ON, (run_id,))
                cursor.execute(_WAKE, (at, run_id))


def _spent(cursor: Cursor, buckets: Sequence[SpendingBucket]) -> dict[SpendingBucket, Amount]:
    found = {bucket: cursor.execute(_SPENT, bucket).fetchone() for bucket in buckets}
    return {bucket: Amount(*row) for bucket, row in found.items() if row is not None}


def _by_bucket(rows: Iterable[Sequence[Any]]) -> dict[SpendingBucket, Amount]:
    """Return the sums of reservations, each (buckets as JSON, amounts …)."""
    found: dict[SpendingBucket, Amount] = {}
    for buckets, *amount in rows:
        for bucket in (SpendingBucket(*bucket) for bucket in json.loads(buckets)):
            found[bucket] = found.get(bucket, Amount()).plus(Amount(*amount))
    return found


def _settled(cursor: Cursor, reserved: Reservation, amount: Amount) -> None:
    before = cursor.execute(_SETTLE, (reserved.id,)).fetchone() or Amount()
    _add(cursor, reserved.buckets, amount.minus(Amount(*before)))


def _add(cursor: Cursor, buckets: Iterable[SpendingBucket], amount: Amount) -> None:
    cursor.executemany(_ADD, [(*bucket, *amount) for bucket in buckets])
