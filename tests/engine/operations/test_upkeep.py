"""A server that stays on for months: its logs and the journal of its state stay small."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.base.errors import StorageError
from engine.base.json_text import compact
from engine.files import log_files as logs
from engine.files.log_files import shorten_logs
from engine.operations import upkeep
from engine.operations.upkeep import Upkeep
from engine.store.sql.journal import SqlJournal
from engine.store.sql.workers.owners import SqlOwner
from engine.store.sqlite.database import SqliteStateDatabase
from tests.patience import PATIENCE_SECONDS

_FEW_MEGABYTES = 6 * 1024 * 1024


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteStateDatabase]:
    """A state of its own."""
    opened = SqliteStateDatabase(tmp_path)
    yield opened
    opened.close()


def _wal(database: SqliteStateDatabase) -> int:
    return Path(f"{database.path}-wal").stat().st_size


def _record(database: SqliteStateDatabase, run_id: str, count: int, *, readers: bool) -> int:
    """Record events one commit at a time, with a reader open now and then; return how large the journal got."""
    owner = SqlOwner(database, database.path.parent / "owners", "test", lambda: datetime.now(UTC))

    async def work() -> int:
        journal, largest = SqlJournal(database, owner.id), 0
        for number in range(1, count + 1):
            journal.append(run_id, number, compact({"type": "step_started", "path": "a", "text": "x" * 300}))
            if number % 20 == 0:
                await journal.committed(run_id)
                largest = max(largest, _wal(database))
            if readers and number % 500 == 0:
                with database.reading() as connection:
                    connection.exec_driver_sql("BEGIN")
                    connection.exec_driver_sql("SELECT count(*) FROM runs").fetchall()
                    journal.append("other", number, compact({"type": "step_started", "path": "b"}))
                    await journal.committed("other")
                    connection.exec_driver_sql("COMMIT")
        journal.close()
        return largest

    found = asyncio.run(work())
    owner.release()
    return found


def test_the_journal_of_the_state_stays_small_over_many_events(database: SqliteStateDatabase) -> None:
    assert _record(database, "first", 20_000, readers=True) < _FEW_MEGABYTES
    before = database.path.stat().st_size
    assert database.shrink() is True
    assert _wal(database) < _FEW_MEGABYTES
    assert database.path.stat().st_size >= before


def test_a_journal_that_grew_under_a_long_look_becomes_small_again(database: SqliteStateDatabase) -> None:
    with database.reading() as connection:
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql("SELECT count(*) FROM runs").fetchall()
        grown = _record(database, "first", 20_000, readers=False)
        assert database.shrink() is False  # somebody still looks: nobody waits
        connection.exec_driver_sql("COMMIT")
    assert grown > _FEW_MEGABYTES
    _record(database, "second", 2_000, readers=False)
    assert _wal(database) < _FEW_MEGABYTES


def test_a_journal_that_is_too_long_is_emptied_when_nobody_reads_it(database: SqliteStateDatabase) -> None:
    with database.reading() as connection:
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql("SELECT count(*) FROM runs").fetchall()
        assert _record(database, "first", 20_000, readers=False) > _FEW_MEGABYTES
        connection.exec_driver_sql("COMMIT")
    assert database.shrink() is True
    assert _wal(database) == 0


def test_a_large_log_is_moved_aside_and_written_on_at_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "LARGEST_BYTES", 1000)
    (tmp_path / "small.log").write_text("little\n")
    with (tmp_path / "serve.log").open("a", encoding="utf-8") as log:
        log.write("old\n" * 500)
        log.flush()
        shorten_logs(tmp_path)
        log.write("new\n")
    assert (tmp_path / "serve.log").read_text() == "new\n"
    assert (tmp_path / "serve.log.1").read_text() == "old\n" * 250, "the end of it"
    assert not (tmp_path / "small.log.1").exists()


def test_work_that_fails_is_done_again_and_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "_SECONDS", 0.01)
    done = threading.Event()
    calls: list[str] = []

    def prune() -> None:
        calls.append("prune")
        raise StorageError("The disk is full.")

    def shrink() -> None:
        calls.append("shrink")
        if len(calls) > 30:
            done.set()
        if len(calls) % 2:
            raise ValueError("unforeseen")

    def end_renames() -> None:
        raise StorageError("It is held.")

    work = Upkeep(tmp_path, prune, shrink, end_renames)
    work.start()
    assert done.wait(PATIENCE_SECONDS)
    work.close()
    assert calls[:3] == ["prune", "shrink", "shrink"]
    assert calls.count("prune") > 1
    settled = len(calls)
    assert not threading.Event().wait(0.1)
    assert len(calls) == settled
