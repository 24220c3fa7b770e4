"""The journal: all of one turn in one transaction, nothing that follows a hole, and no voice from the dead."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from engine.base.clock import utc_now
from engine.base.errors import Fenced, StorageError
from engine.base.json_text import compact
from engine.base.statuses import StepStatus
from engine.orchestra import Orchestra
from engine.record.events import StepFinished
from engine.record.values import Values
from engine.runner.execution.recording import Recording
from engine.store.blobs.disk import DiskBlobs
from engine.store.journal import JournalBroken
from engine.store.sql.journal import SqlJournal
from engine.store.sql.workers.owners import SqlOwner
from engine.store.sqlite.database import SqliteStateDatabase
from tests.engine.conftest import OWNER, set_step, write_workflow
from tests.patience import PATIENCE_SECONDS

Test = Callable[[SqlJournal], Coroutine[Any, Any, None]]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteStateDatabase]:
    opened = SqliteStateDatabase(tmp_path / "state")
    yield opened
    opened.close()


@pytest.fixture
def owner(database: SqliteStateDatabase, tmp_path: Path) -> Iterator[SqlOwner]:
    made = SqlOwner(database, tmp_path / "owners", "test", utc_now)
    yield made
    made.release()


def on_a_loop(database: SqliteStateDatabase, owner: SqlOwner, test: Test) -> None:
    async def main() -> None:
        journal = SqlJournal(database, owner.id)
        try:
            await test(journal)
        finally:
            journal.close()

    asyncio.run(main())


def stored(database: SqliteStateDatabase) -> list[tuple[Any, ...]]:
    with sqlite3.connect(database.path) as connection:
        rows = connection.execute("SELECT run_id, number, event FROM events ORDER BY run_id, number").fetchall()
    connection.close()
    return rows


def test_two_runs_in_one_turn_share_one_transaction(database: SqliteStateDatabase, owner: SqlOwner) -> None:
    async def test(journal: SqlJournal) -> None:
        statements: list[str] = []
        journal._connection.raw.set_trace_callback(statements.append)  # type: ignore[attr-defined]
        journal.append("a", 1, compact({"type": "x"}))
        journal.append("b", 1, compact({"type": "y"}))
        changed = journal.change(lambda cursor: cursor.execute("SELECT 41 + 1").fetchone()[0])
        await asyncio.gather(journal.committed("a"), journal.committed("b"))
        assert await changed == 42
        assert [one.split()[0] for one in statements].count("COMMIT") == 1

    on_a_loop(database, owner, test)
    assert [row[:2] for row in stored(database)] == [("a", 1), ("b", 1)]


def test_what_arrives_during_a_commit_goes_into_the_next(database: SqliteStateDatabase, owner: SqlOwner) -> None:
    async def test(journal: SqlJournal) -> None:
        for number in range(1, 4):
            journal.append("a", number, compact({"type": "x", "n": number}))
            await journal.committed("a")
            assert len(journal.read("SELECT 1 FROM events")) == number

    on_a_loop(database, owner, test)


def test_steps_that_are_ready_together_share_each_commit(database: SqliteStateDatabase, owner: SqlOwner) -> None:
    async def test(journal: SqlJournal) -> None:
        statements: list[str] = []
        journal._connection.raw.set_trace_callback(statements.append)  # type: ignore[attr-defined]

        async def chain(run_id: str) -> None:
            for number in range(1, 21):
                journal.append(run_id, number, compact({"type": "x"}))
                await journal.committed(run_id)

        await asyncio.gather(*(chain(run_id) for run_id in "abcdefgh"))
        assert 20 <= statements.count("COMMIT") <= 22

    on_a_loop(database, owner, test)


def test_a_chain_that_is_alone_commits_each_step_and_lets_the_loop_have_its_turn(
    database: SqliteStateDatabase, owner: SqlOwner
) -> None:
    async def test(journal: SqlJournal) -> None:
        statements: list[str] = []
        journal._connection.raw.set_trace_callback(statements.append)  # type: ignore[attr-defined]
        rung = asyncio.Event()
        asyncio.get_running_loop().call_later(0, rung.set)
        for number in range(1, 21):
            journal.append("a", number, compact({"type": "x"}))
            await journal.committed("a")
            assert statements.count("COMMIT") == number
        assert rung.is_set()

    on_a_loop(database, owner, test)


def test_what_is_gathered_is_written_by_one_call_after_the_changes(
    database: SqliteStateDatabase, owner: SqlOwner
) -> None:
    calls: list[object] = []

    def write(_cursor: object, items: object) -> None:
        calls.append(items)

    def fails(_cursor: object, _items: object) -> None:
        raise StorageError("The disk is full.")

    async def test(journal: SqlJournal) -> None:
        first = journal.gather(write, 1)
        changed = journal.change(lambda _cursor: calls.append("change"))
        await asyncio.gather(first, changed, journal.gather(write, 2))
        assert calls == ["change", [1, 2]]
        broken = (journal.gather(fails, 1), journal.gather(fails, 2))
        assert all(isinstance(one, JournalBroken) for one in await asyncio.gather(*broken, return_exceptions=True))

    on_a_loop(database, owner, test)


def test_with_nothing_to_write_nothing_is_waited_for(database: SqliteStateDatabase, owner: SqlOwner) -> None:
    async def test(journal: SqlJournal) -> None:
        await journal.committed("a")

    on_a_loop(database, owner, test)


def test_a_failed_transaction_breaks_exactly_the_runs_in_it(database: SqliteStateDatabase, owner: SqlOwner) -> None:
    async def test(journal: SqlJournal) -> None:
        journal.append("a", 1, compact({"type": "x"}))
        await journal.committed("a")
        journal.append("a", 1, compact({"type": "the same number again"}))
        poisoned = journal.change(lambda cursor: cursor.execute("SELECT 1"))
        with pytest.raises(JournalBroken, match="UNIQUE"):
            await journal.committed("a")
        with pytest.raises(JournalBroken):
            await poisoned
        journal.append("b", 1, compact({"type": "y"}))
        await journal.committed("b")
        journal.append("a", 2, compact({"type": "after the hole"}))
        with pytest.raises(JournalBroken):
            await journal.committed("a")
        journal.begin("a")
        journal.append("a", 2, compact({"type": "from what is stored"}))
        await journal.committed("a")

    on_a_loop(database, owner, test)
    assert [row[:2] for row in stored(database)] == [("a", 1), ("a", 2), ("b", 1)]
    assert "after the hole" not in stored(database)[1][2]


def test_a_run_does_not_go_on_without_a_change_that_was_made_for_it(
    database: SqliteStateDatabase, owner: SqlOwner
) -> None:
    async def test(journal: SqlJournal) -> None:
        lost = journal.change(lambda cursor: cursor.execute("INSERT INTO nowhere VALUES (1)"), "a")
        with pytest.raises(JournalBroken):
            await lost
        journal.append("a", 1, compact({"type": "as if it were stored"}))
        with pytest.raises(JournalBroken, match="nowhere"):
            await journal.committed("a")

    on_a_loop(database, owner, test)
    assert stored(database) == []


def test_who_was_taken_for_dead_writes_no_more(database: SqliteStateDatabase, owner: SqlOwner, tmp_path: Path) -> None:
    async def test(journal: SqlJournal) -> None:
        with database.writing() as connection:
            connection.exec_driver_sql("DELETE FROM owners")
        journal.append("a", 1, compact({"type": "x"}))
        with pytest.raises(JournalBroken) as broken:
            await journal.committed("a")
        assert isinstance(broken.value.error, Fenced)

    on_a_loop(database, owner, test)
    assert stored(database) == []


def test_an_event_with_a_value_that_is_not_json_is_not_stored(
    database: SqliteStateDatabase, owner: SqlOwner, tmp_path: Path
) -> None:
    async def test(journal: SqlJournal) -> None:
        recording = Recording("a", journal, Values(DiskBlobs(tmp_path / "logs"), "a"), utc_now, [])
        for odd in (b"x", {1}):
            with pytest.raises(TypeError):
                recording.emit(StepFinished, path="step", status=StepStatus.SUCCEEDED, output=odd)
        await journal.committed("a")
        assert journal.read("SELECT 1 FROM events") == []
        recording.emit(StepFinished, path="step", status=StepStatus.SUCCEEDED, output="good")
        await journal.committed("a")

    on_a_loop(database, owner, test)
    [(_, number, event)] = stored(database)
    assert (number, '"good"' in event) == (1, True)


def test_closing_writes_what_is_left_and_ends_quietly(database: SqliteStateDatabase, owner: SqlOwner) -> None:
    complaints: list[Any] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
        journal = SqlJournal(database, owner.id)
        journal.append("a", 1, compact({"type": "x"}))
        journal.close()
        await asyncio.sleep(0)

    asyncio.run(main())
    assert len(stored(database)) == 1
    assert complaints == []


def _held(path: Path, seconds: float, begun: threading.Event) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    begun.set()
    time.sleep(seconds)
    connection.execute("ROLLBACK")
    connection.close()


def test_a_database_that_another_process_holds_is_waited_for(orchestra: Orchestra, root: Path) -> None:
    write_workflow(root, "work", [set_step("a"), set_step("b")])
    begun = threading.Event()
    holder = threading.Thread(target=_held, args=(root / ".orchestra" / "state.db", 2.0, begun))
    run_id = orchestra.runs.start(OWNER, "work", {})
    holder.start()
    begun.wait(PATIENCE_SECONDS)
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] in ("succeeded", "running")
    holder.join()
    again = orchestra.runs.start(OWNER, "work", {})
    assert orchestra.runs.wait(OWNER, again, PATIENCE_SECONDS)["status"] == "succeeded"


def test_a_state_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_text("this is not a database, and long enough to be looked at as one" * 20)
    with pytest.raises(StorageError, match="not a database"):
        SqliteStateDatabase(tmp_path)


def test_a_process_that_goes_on_committing_finds_its_log_long_enough(
    database: SqliteStateDatabase, owner: SqlOwner
) -> None:
    wal = database.path.with_name("state.db-wal")

    async def test(journal: SqlJournal) -> None:
        sizes = []
        for number in range(1, 201):
            journal.append("a", number, compact({"type": "x"}))
            await journal.committed("a")
            sizes.append(wal.stat().st_size)
        grown = [size for before, size in pairwise(sizes) if size > before]
        assert len(grown) < 60, "it does not become longer with every commit"
        assert sizes[-1] < 5 * 1024 * 1024

    on_a_loop(database, owner, test)
    assert [row[:2] for row in stored(database)] == [("a", number) for number in range(1, 201)]
    with database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert connection.exec_driver_sql("SELECT count(*) FROM meta WHERE key = ''").scalar() == 0


def test_a_log_that_cannot_become_longer_is_no_failure(
    database: SqliteStateDatabase, owner: SqlOwner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> None:
        raise StorageError("The disk is full.")

    monkeypatch.setattr(database, "lengthen", refused)

    async def test(journal: SqlJournal) -> None:
        for number in range(1, 101):
            journal.append("a", number, compact({"type": "x"}))
            await journal.committed("a")

    on_a_loop(database, owner, test)
    assert len(stored(database)) == 100


def test_what_nobody_waits_for_goes_with_what_somebody_waits_for(
    database: SqliteStateDatabase, owner: SqlOwner
) -> None:
    async def test(journal: SqlJournal) -> None:
        statements: list[str] = []
        journal._connection.raw.set_trace_callback(statements.append)  # type: ignore[attr-defined]
        journal.note(lambda cursor: cursor.execute("INSERT INTO meta VALUES ('noted', '')"), "a")
        await asyncio.sleep(0)
        journal.append("a", 1, compact({"type": "x"}))
        await journal.committed("a")
        assert [one.split()[0] for one in statements].count("COMMIT") == 1
        journal.note(lambda cursor: cursor.execute("INSERT INTO meta VALUES ('alone', '')"), "a")
        while not journal.read("SELECT 1 FROM meta WHERE key = 'alone'"):  # noqa: ASYNC110 - that nobody waits is meant
            await asyncio.sleep(0.005)
        journal.note(lambda cursor: cursor.execute("INSERT INTO nowhere VALUES (1)"), "a")
        with pytest.raises(JournalBroken):
            await journal.committed("a")

    on_a_loop(database, owner, test)


def test_a_refused_commit_of_a_far_state_is_heard_by_those_who_wait_for_it_alone(
    database: SqliteStateDatabase, owner: SqlOwner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event loop used to tell of it, too: "Future exception was never retrieved"."""
    monkeypatch.setattr(SqliteStateDatabase, "is_far", True)
    heard: list[object] = []

    def refused(cursor: object) -> None:
        raise StorageError("The disk is full.")

    async def test(journal: SqlJournal) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: heard.append(context))
        with pytest.raises(JournalBroken):
            await journal.change(refused)
        await journal.change(lambda cursor: None)  # the journal forgets the earlier one
        gc.collect()

    on_a_loop(database, owner, test)
    assert not heard
