"""The poller: nothing asked while nothing changes, and nothing missed that others write or that falls due."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import Fenced, StorageError
from engine.base.signal import Signal
from engine.observing.observer import Observer
from engine.record.run_log import RunLogs
from engine.runner.worker.poller import Poller
from engine.runner.worker.queue import LocalQueue
from engine.runner.worker.worker import Worker
from engine.store.blobs.blobs import Blobs
from engine.store.blobs.disk import DiskBlobs
from engine.store.sql.journal import SqlJournal
from engine.store.sql.state import SqlState
from engine.store.sql.workers.owners import SqlOwner
from engine.store.sqlite.database import SqliteStateDatabase
from engine.store.write_list import WriteList

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
_INSERT = (
    "INSERT INTO runs (run_id, workflow, workflow_id, title, status, demo, started_by, queued_at, sentence, counts,"
    " owner, due_at, cancel_requested) VALUES (?, 'w', 'w', 'W', ?, 0, 'me', '', '', '{}', ?, ?, ?)"
)


class Place:
    """Notes what it is told to do."""

    def __init__(self) -> None:
        self.at_work: set[str] = set()
        self.told: list[str] = []
        self.queue_adopted = Signal()
        self.queue_adopted.subscribe(lambda: self.told.append("adopted"))
        self.observer = Observer()

    def is_at_work_on(self, run_id: str) -> bool:
        return run_id in self.at_work

    def is_in_hand(self, run_id: str) -> bool:
        return run_id in self.at_work

    def end_here(self, run_id: str, how: Any) -> None:
        self.told.append(f"{how} {run_id}")

    def take_up(self, run_id: str) -> None:
        self.told.append(f"take up {run_id}")

    def look_at_fence(self) -> None:
        pass


class Scene:
    """A poller over a state that another connection writes to."""

    def __init__(self, database: SqliteStateDatabase, owner: SqlOwner, other: sqlite3.Connection) -> None:
        self.owner, self.other, self.now, self.place = owner, other, NOW, Place()
        records = SqlState(database).records(owner.id)
        assert isinstance(records.journal, SqlJournal)
        self.journal = records.journal
        self.poller = Poller(database, records, owner, lambda: self.now, self.place)
        self.asked: list[str] = []
        self.journal._connection.raw.set_trace_callback(self.asked.append)  # type: ignore[attr-defined]

    def add(self, run_id: str, status: str = "waiting", due: timedelta | None = None, cancel: int = 0) -> None:
        due_at = None if due is None else (NOW + due).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.other.execute(_INSERT, (run_id, status, self.owner.id, due_at, cancel))
        self.other.commit()

    async def looks(self, times: int = 1) -> list[str]:
        """Look so many times; return what the place was told."""
        self.place.told.clear()
        for _ in range(times):
            await self.poller._look()
        return list(self.place.told)


Story = Callable[[Scene], Coroutine[Any, Any, None]]


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Callable[[Story], None]]:
    database = SqliteStateDatabase(tmp_path / "state")
    owner = SqlOwner(database, tmp_path / "owners", "test", lambda: NOW)
    other = sqlite3.connect(database.path)

    def played(story: Story) -> None:
        async def main() -> None:
            scene = Scene(database, owner, other)
            await story(scene)
            scene.journal.close()

        asyncio.run(main())

    yield played
    other.close()
    owner.release()
    database.close()


def test_while_nobody_writes_nothing_is_asked(play: Callable[[Story], None]) -> None:
    async def story(scene: Scene) -> None:
        scene.add("later", due=timedelta(hours=1))
        await scene.looks(3)
        scene.asked.clear()
        assert await scene.looks(5) == []
        assert scene.asked == []
        scene.add("another", due=timedelta(hours=2))
        await scene.looks()
        assert scene.asked, "whatever is written may concern a run of this process"

    play(story)


def test_what_another_process_asks_for_is_seen_at_the_next_look(play: Callable[[Story], None]) -> None:
    async def story(scene: Scene) -> None:
        assert await scene.looks(4) == []
        scene.add("at work", status="running", cancel=1)
        scene.add("put away", cancel=1)
        scene.place.at_work = {"at work"}
        assert sorted(await scene.looks()) == ["cancelled at work", "take up put away"]
        assert sorted(await scene.looks()) == ["cancelled at work", "take up put away"], "until it has happened"

    play(story)


def test_what_falls_due_is_taken_up_although_nobody_writes(play: Callable[[Story], None]) -> None:
    async def story(scene: Scene) -> None:
        scene.add("soon", due=timedelta(minutes=1))
        scene.add("later", due=timedelta(minutes=2))
        scene.add("asked", due=None)
        assert await scene.looks(4) == []
        scene.now = NOW + timedelta(seconds=61)
        assert await scene.looks() == ["take up soon"]
        scene.other.execute("UPDATE runs SET due_at = NULL, status = 'running' WHERE run_id = 'soon'")
        scene.other.commit()
        assert await scene.looks(4) == []
        scene.now = NOW + timedelta(seconds=121)
        assert await scene.looks() == ["take up later"]

    play(story)


def test_what_this_process_writes_itself_is_no_less_seen(play: Callable[[Story], None]) -> None:
    async def story(scene: Scene) -> None:
        scene.add("run", status="running")
        assert await scene.looks(4) == []
        parked = "UPDATE runs SET status = 'waiting', due_at = '2026-11-20T12:01:00.000Z' WHERE run_id = 'run'"
        await scene.journal.change(lambda cursor: cursor.execute(parked))
        assert await scene.looks(4) == []
        scene.now = NOW + timedelta(minutes=2)
        assert await scene.looks() == ["take up run"]

    play(story)


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        pytest.param(None, False, id="runs of nobody"),
        pytest.param("0-first", True, id="an owner that only its runs still name, before ours"),
        pytest.param("zz-last", True, id="and one after ours"),
    ],
)
def test_other_processes_are_known_by_their_rows_and_their_runs(
    play: Callable[[Story], None], owner: str | None, expected: bool
) -> None:
    async def story(scene: Scene) -> None:
        scene.add("mine", status="running")
        assert scene.poller._due.has_others() is False
        scene.other.execute(_INSERT, ("theirs", "running", owner, None, 0))
        scene.other.commit()
        assert scene.poller._due.has_others() is expected
        scene.other.execute("DELETE FROM runs")
        scene.other.execute(
            "INSERT INTO owners (owner, pid, kind, started_at, heartbeat_at) VALUES ('cli-1', 1, 'cli', '', '')"
        )
        scene.other.commit()
        assert scene.poller._due.has_others() is True

    play(story)


def _worker(database: SqliteStateDatabase, owner: SqlOwner, blobs: Blobs, folder: Path) -> Worker:
    accounts: Any = None  # none is opened
    writes = WriteList(folder, folder / "logs")
    return Worker(SqlState(database), owner, accounts, RunLogs(blobs), writes, LocalQueue(), lambda: NOW)


class _FullBlobs(DiskBlobs):
    """They admit nobody once their disk is full."""

    is_full = False

    def admit(self, process: str) -> None:
        if self.is_full:
            raise StorageError("The disk is full.")
        super().admit(process)


def test_a_process_that_a_disk_refuses_says_so(tmp_path: Path) -> None:
    database, blobs = SqliteStateDatabase(tmp_path / "state"), _FullBlobs(tmp_path / "logs")
    owner = SqlOwner(database, tmp_path / "owners", "test", lambda: NOW, blobs=blobs)
    blobs.shut_out(owner.id)
    worker = _worker(database, owner, blobs, tmp_path)
    blobs.is_full = True
    with pytest.raises(StorageError, match="The disk is full"):
        worker.check_logs()
    blobs.is_full = False
    worker.check_logs()
    worker.close()
    database.close()


def test_a_process_stopped_before_it_had_begun_says_what_stopped_it(tmp_path: Path) -> None:
    database, blobs = SqliteStateDatabase(tmp_path / "state"), DiskBlobs(tmp_path / "logs")
    owner = SqlOwner(database, tmp_path / "owners", "test", lambda: NOW, blobs=blobs)
    blobs.shut_out(owner.id)
    with database.inserting() as cursor:
        cursor.execute("DELETE FROM owners")
    with pytest.raises(Fenced):
        _worker(database, owner, blobs, tmp_path)
    owner.release()
    database.close()


def test_a_process_whose_folder_for_drafts_was_deleted_makes_it_again(tmp_path: Path) -> None:
    database, blobs = SqliteStateDatabase(tmp_path / "state"), DiskBlobs(tmp_path / "logs")
    owner = SqlOwner(database, tmp_path / "owners", "test", lambda: NOW, blobs=blobs)
    shutil.rmtree(tmp_path / "logs")
    worker = _worker(database, owner, blobs, tmp_path)
    worker.check_logs()
    worker.close()
    database.close()
