"""Accepted runs that are stored together: one transaction, and each hears of its own fate."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from engine.base.errors import Fenced, InUse, StorageError
from engine.store.acceptances import IdempotentRequest, Renamed, RunEntry
from engine.store.people.audit import AuditEntry
from engine.store.sql.acceptances import SqlAcceptances
from engine.store.sql.base.tables import audit, owners
from engine.store.sql.renames import SqlRenames, end_rename
from engine.store.sql.runs import SqlRuns
from engine.store.sqlite.database import SqliteStateDatabase

AT = "2026-11-20T12:00:00.000Z"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteStateDatabase]:
    opened = SqliteStateDatabase(tmp_path / "state")
    with opened.writing() as connection:
        row = {"owner": "me", "pid": 1, "kind": "cli", "started_at": AT, "heartbeat_at": AT}
        connection.execute(owners.insert().values(**row))
    yield opened
    opened.close()


def entry(number: int, request: IdempotentRequest | None = None, **changed: Any) -> RunEntry:
    accepted: Any = {
        "run_id": f"20261120T120000Z-{number:08d}",
        "workflow": "work",
        "definition": {"workflow": {}},
        "demo": False,
        "started_by": "me",
        "origin_run_id": None,
        "parent_run_id": None,
        "queued_at": AT,
        "options": {},
        **changed,
    }
    return RunEntry(accepted, "Work", AuditEntry(AT, "me", "runs.start", "work", str(number)), request)


def lines(database: SqliteStateDatabase) -> int:
    with database.reading() as connection:
        return len(connection.execute(audit.select()).all())


def test_runs_are_stored_with_their_lines_of_the_audit_trail(database: SqliteStateDatabase) -> None:
    entries = [entry(number) for number in range(3)]
    SqlAcceptances(database, "me").store(entries)
    assert all(one.is_new for one in entries)
    row = SqlRuns(database).get(entries[2].acceptance["run_id"])
    assert row is not None
    assert (row.status, row.owner, row.title) == ("queued", "me", "Work")
    assert lines(database) == 3


def test_those_that_come_while_one_is_written_share_the_next_transaction(database: SqliteStateDatabase) -> None:
    acceptances, commits = SqlAcceptances(database, "me"), []
    with database.reading() as connection:
        engine = connection.engine
    event.listen(
        engine, "before_cursor_execute", lambda *told: commits.append(told[2]) if told[2] == "COMMIT" else None
    )
    entries = [entry(number) for number in range(20)]
    threads = [threading.Thread(target=acceptances.store, args=([one],)) for one in entries]
    with database.write_lock:  # another writer holds them up
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join()
    assert all(one.is_new for one in entries)
    assert lines(database) == 20
    assert len(commits) < 20


def test_a_key_that_came_with_something_else_is_told_to_its_sender_alone(database: SqliteStateDatabase) -> None:
    acceptances = SqlAcceptances(database, "me")
    first = entry(1, IdempotentRequest("key", "hash"))
    acceptances.store([first])
    again = entry(2, IdempotentRequest("key", "hash"))
    acceptances.store([again])
    assert again.run_id == first.run_id
    assert not again.is_new
    wrong, right = entry(3, IdempotentRequest("key", "other")), entry(4)
    with pytest.raises(InUse, match="key was used before"):
        acceptances.store([wrong, right])
    assert right.is_new
    assert wrong.run_id is None
    assert lines(database) == 2


def test_a_run_with_a_plan_from_before_a_rename_is_not_stored_and_the_others_are(database: SqliteStateDatabase) -> None:
    acceptances, older = SqlAcceptances(database, "me"), SqlRenames(database).last()
    with database.writing() as connection:
        end_rename(connection)
    stale, right = entry(1, IdempotentRequest("key", "hash")), entry(2)
    right.last_rename = SqlRenames(database).last()
    assert (stale.last_rename, older) == ("", "")
    with pytest.raises(Renamed):
        acceptances.store([stale, right])
    with pytest.raises(Renamed):
        acceptances._store_within(lambda _: [entry(3)])
    assert (stale.run_id, right.is_new, lines(database)) == (None, True, 1)
    again = entry(4, IdempotentRequest("key", "hash"))  # its key stands for no run that is not there
    again.last_rename = right.last_rename
    acceptances.store([again])
    assert again.is_new


def test_a_transaction_that_fails_is_heard_of_by_all_in_it(database: SqliteStateDatabase) -> None:
    acceptances = SqlAcceptances(database, "me")
    acceptances.store([entry(1)])
    twice, other = entry(1), entry(2)
    with pytest.raises(StorageError):
        acceptances.store([other, twice])
    assert not other.is_new
    assert SqlRuns(database).get(other.acceptance["run_id"]) is None


class Interrupted(sqlite3.Cursor):
    """Ctrl-C comes while it waits for the state."""

    def execute(self, *given: Any) -> Interrupted:
        super().execute(*given)
        if given[0] == "BEGIN IMMEDIATE":
            raise KeyboardInterrupt
        return self


def test_ctrl_c_at_the_beginning_leaves_the_state_open_for_others(database: SqliteStateDatabase) -> None:
    class Connection(sqlite3.Connection):
        def cursor(self, *_: Any) -> Any:
            return super().cursor(Interrupted)

    vars(database)["_inserter"] = sqlite3.connect(database.path, isolation_level=None, factory=Connection)
    with pytest.raises(KeyboardInterrupt), database.inserting():
        pass
    with sqlite3.connect(database.path, isolation_level=None, timeout=0.1) as other:
        other.execute("BEGIN IMMEDIATE")
    other.close()


def test_a_process_whose_runs_were_taken_over_accepts_no_more(database: SqliteStateDatabase) -> None:
    with database.writing() as connection:
        connection.execute(owners.delete())
    with pytest.raises(Fenced):
        SqlAcceptances(database, "me").store([entry(1)])
    assert lines(database) == 0
