"""Whose runs are whose: alive, dead, silent, taken over once, and one server at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import Fenced
from engine.store import locks
from engine.store.acceptances import RunEntry
from engine.store.blobs.disk import DiskBlobs
from engine.store.locks import is_locked
from engine.store.owners import LEASE_SECONDS, is_silent
from engine.store.people.audit import AuditEntry
from engine.store.run_limits import NO_LIMITS
from engine.store.runs import Deaths
from engine.store.sql.acceptances import SqlAcceptances
from engine.store.sql.base.database import StateDatabase
from engine.store.sql.base.tables import runs
from engine.store.sql.runs import SqlRuns
from engine.store.sql.workers.claims import SqlClaims
from engine.store.sql.workers.owners import SqlOwner, SqlOwners
from engine.store.sqlite.database import SqliteStateDatabase
from tests.engine.store.one_schema import emptied
from tests.patience import PATIENCE_SECONDS, until

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
RUN = "20261120T120000Z-abcdefgh"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.service)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StateDatabase]:
    if request.param == "sqlite":
        with closing(SqliteStateDatabase(tmp_path / "state")) as file:
            yield file
    else:
        with emptied() as server:
            yield server


def adopts(heir: SqlOwner) -> list[str]:
    """Adopt as a process does that looks again and again: a lock must have been free for a while."""
    found = heir.adopt()
    if heir.locks.patience_seconds:
        time.sleep(heir.locks.patience_seconds + 0.1)
        found += heir.adopt()
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "owners"


def accept(database: StateDatabase, owner: str, run_id: str = RUN) -> None:
    accepted: Any = {
        "run_id": run_id,
        "workflow": "work",
        "definition": {"workflow": {}},
        "demo": False,
        "started_by": "me",
        "origin_run_id": None,
        "parent_run_id": None,
        "queued_at": "2026-11-20T12:00:00.000Z",
        "options": {},
    }
    line = AuditEntry("2026-11-20T12:00:00.000Z", "me", "runs.start", "work", "")
    SqlAcceptances(database, owner).store([RunEntry(accepted, "Work", line)])


def owner_of(rows: SqlRuns, run_id: str = RUN) -> str | None:
    row = rows.get(run_id)
    assert row is not None
    return None if row.owner is None else str(row.owner)


def test_a_living_owner_keeps_its_runs(database: StateDatabase, folder: Path) -> None:
    rows = SqlRuns(database)
    first, second = (SqlOwner(database, folder, kind, lambda: NOW) for kind in ("serve", "cli"))
    accept(database, first.id)
    assert adopts(second) == []
    assert not second.take(RUN)
    assert first.take(RUN)
    assert owner_of(rows) == first.id
    first.release()
    second.release()


def test_the_runs_of_a_dead_owner_are_taken_over_once(database: StateDatabase, folder: Path) -> None:
    dead = SqlOwner(database, folder, "cli", lambda: NOW)
    accept(database, dead.id)
    dead._lock.close()  # what the system does when a process ends
    heirs = [SqlOwner(database, folder, f"heir{number}", lambda: NOW) for number in range(4)]
    taken: list[list[str]] = []
    threads = [threading.Thread(target=lambda heir=heir: taken.append(adopts(heir))) for heir in heirs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [[], [], [], [RUN]]
    assert SqlOwners(database).get(dead.id) is None
    assert list(folder.glob(f"{dead.id}*")) == []
    for heir in heirs:
        heir.release()


def test_what_was_taken_over_is_told_though_the_disk_refuses_the_rest(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = SqliteStateDatabase(tmp_path / "state")
    other_run = RUN.replace("abcdefgh", "bcdefghi")
    for run_id in (RUN, other_run):
        dead = SqlOwner(database, folder, "cli", lambda: NOW)
        accept(database, dead.id, run_id)
        dead.release()
    heir = SqlOwner(database, folder, "serve", lambda: NOW)
    looked: list[str] = []

    def refuses(folder: Path, owner: str) -> bool:
        looked.append(owner)
        if len(looked) > 2:  # once to see that it is dead, once in the fence; from then on
            raise OSError(24, "Too many open files")
        return is_locked(folder, owner)

    with monkeypatch.context() as patch:
        patch.setattr(locks, "is_locked", refuses)
        assert len(heir.adopt()) == 1
    assert len(heir.adopt()) == 1
    assert {owner_of(SqlRuns(database), one) for one in (RUN, other_run)} == {heir.id}
    heir.release()
    database.close()


def test_an_owner_without_open_runs_leaves_nothing_behind(database: StateDatabase, folder: Path) -> None:
    owner = SqlOwner(database, folder, "cli", lambda: NOW)
    owner.release()
    assert SqlOwners(database).get(owner.id) is None
    assert list(folder.iterdir()) == []


def test_an_owner_that_stops_with_open_runs_can_be_adopted(database: StateDatabase, folder: Path) -> None:
    rows = SqlRuns(database)
    first = SqlOwner(database, folder, "cli", lambda: NOW)
    accept(database, first.id)
    first.release()
    second = SqlOwner(database, folder, "serve", lambda: NOW)
    assert adopts(second) == [RUN]
    assert owner_of(rows) == second.id
    second.release()


def test_one_run_of_a_dead_owner_is_taken_over_and_the_others_are_left_to_be_adopted(
    database: StateDatabase, folder: Path
) -> None:
    rows, other = SqlRuns(database), f"{RUN[:-1]}j"
    dead, heir, server = (SqlOwner(database, folder, kind, lambda: NOW) for kind in ("cli", "heir", "serve"))
    accept(database, dead.id)
    accept(database, dead.id, other)
    dead._lock.close()
    assert heir.take(RUN)
    assert (owner_of(rows), owner_of(rows, other)) == (heir.id, dead.id)
    assert SqlOwners(database).get(dead.id) is None  # fenced: it may write no more
    assert adopts(server) == [other]
    assert list(folder.glob(f"{dead.id}*")) == []
    for owner in (heir, server):
        owner.release()


LATER = NOW + timedelta(seconds=LEASE_SECONDS + 1)


@pytest.mark.parametrize("how", ["one", "all"])
def test_a_silent_owner_is_fenced_off_by_a_person_who_resumes_and_its_lock_still_tells_that_it_lives(
    database: StateDatabase, folder: Path, how: str
) -> None:
    rows = SqlRuns(database)
    blobs = DiskBlobs(folder.parent / "logs")
    silent = SqlOwner(database, folder, "cli", lambda: NOW, blobs=blobs)
    blobs.put_by(silent.id, silent.admit).put("log", b"")
    accept(database, silent.id)
    heir = SqlOwner(database, folder, "cli", lambda: LATER, blobs=blobs)
    if how == "one":
        assert heir.take(RUN)
    else:
        assert heir.adopt_all() == [RUN]
    assert owner_of(rows) == heir.id
    assert heir.locks.is_held(silent.id)
    with pytest.raises(Fenced):
        blobs.put_by(silent.id, silent.admit).put("log", b"")  # nothing that it was writing can get into place any more
    with pytest.raises(Fenced):
        silent.beat()
    silent.release()
    heir.release()


def test_the_other_runs_of_a_fenced_owner_are_adopted_though_it_lives(database: StateDatabase, folder: Path) -> None:
    other = f"{RUN[:-1]}j"
    silent = SqlOwner(database, folder, "cli", lambda: NOW)
    accept(database, silent.id)
    accept(database, silent.id, other)
    heir, server = (SqlOwner(database, folder, kind, lambda: LATER, lease_seconds=0.3) for kind in ("cli", "serve"))
    assert heir.take(RUN)
    assert server.adopt() == []  # it looks on for a while first
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not (adopted := server.adopt()):
        assert time.monotonic() < ends_at
        time.sleep(0.02)
    assert adopted == [other]
    for owner in (silent, heir, server):
        owner.release()


def test_an_owner_that_shows_itself_while_others_look_on_keeps_its_runs(database: StateDatabase, folder: Path) -> None:
    times = {"silent": NOW}
    silent = SqlOwner(database, folder, "cli", lambda: times["silent"])
    accept(database, silent.id)
    server = SqlOwner(database, folder, "serve", lambda: LATER, lease_seconds=0.3)
    assert server.adopt() == []
    times["silent"] = LATER  # the machine slept; this one woke last
    silent.beat()
    time.sleep(server.beat_seconds * 2)
    assert server.adopt() == []
    assert not server.take(RUN)
    silent.beat()
    for owner in (silent, server):
        owner.release()


def test_how_long_an_owner_may_be_silent_is_its_own_word(database: StateDatabase, folder: Path) -> None:
    patient = SqlOwner(database, folder, "cli", lambda: NOW, lease_seconds=3600)
    accept(database, patient.id)
    hasty = SqlOwner(database, folder, "cli", lambda: LATER, lease_seconds=1)
    assert not hasty.take(RUN)
    assert hasty.adopt_all() == []
    for owner in (patient, hasty):
        owner.release()


def test_one_run_is_taken_over_once(database: StateDatabase, folder: Path) -> None:
    dead = SqlOwner(database, folder, "cli", lambda: NOW)
    accept(database, dead.id)
    dead._lock.close()
    heirs = [SqlOwner(database, folder, f"heir{number}", lambda: NOW) for number in range(4)]
    taken: list[bool] = []
    threads = [threading.Thread(target=lambda heir=heir: taken.append(heir.take(RUN))) for heir in heirs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False, False, False, True]
    assert not heirs[0].take("20261120T120000Z-unknownn")
    for heir in heirs:
        heir.release()


def test_a_run_that_nobody_owns_is_adopted_only_with_all(database: StateDatabase, folder: Path) -> None:
    owner = SqlOwner(database, folder, "cli", lambda: NOW)
    accept(database, owner.id)
    with database.writing() as connection:
        connection.execute(runs.update().values(owner=None, status="interrupted"))
    assert owner.adopt() == []
    assert owner.adopt_all() == [RUN]
    assert owner.adopt_all() == []
    owner.release()


@pytest.mark.parametrize(
    ("age", "alive", "silent"),
    [
        pytest.param(timedelta(seconds=1), True, False, id="alive"),
        pytest.param(timedelta(seconds=LEASE_SECONDS + 1), True, True, id="no-sign-of-life"),
        pytest.param(timedelta(seconds=1), False, True, id="dead"),
    ],
)
def test_running_is_believed_of_those_who_show_it(
    database: StateDatabase, folder: Path, age: timedelta, *, alive: bool, silent: bool
) -> None:
    owner = SqlOwner(database, folder, "cli", lambda: NOW - age)
    row = SqlOwners(database).get(owner.id)
    assert row is not None
    if not alive:
        owner._lock.close()
    assert is_silent(database.locks(folder), row, NOW) is silent
    owner.release()


def test_how_many_runs_each_process_works_on_and_which_is_to_end(database: StateDatabase, folder: Path) -> None:
    first, second = (SqlOwner(database, folder, "worker", lambda: NOW, slots=3) for _ in range(2))
    accept(database, first.id)
    accept(database, first.id, f"{RUN[:-1]}j")
    known = SqlOwners(database)
    assert {one: (work.runs, len(work.oldest)) for one, work in known.at_work(1).items()} == {first.id: (2, 1)}
    assert known.drain(second.id)
    assert not known.drain("worker-of-nobody")
    rows = [known.get(one.id) for one in (first, second)]
    assert [row and (row.slots, row.is_draining) for row in rows] == [(3, 0), (3, 1)]
    for owner in (first, second):
        owner.release()


def test_a_sign_of_life_is_kept(database: StateDatabase, folder: Path) -> None:
    moments = [NOW, NOW + timedelta(seconds=10)]
    owner = SqlOwner(database, folder, "cli", lambda: moments.pop(0))
    owner.beat()
    row = SqlOwners(database).get(owner.id)
    assert row is not None
    assert row.heartbeat_at == "2026-11-20T12:00:10.000Z"
    owner.release()


def _dies(database: StateDatabase, folder: Path, *run_ids: str) -> None:
    """Let a process take runs and die while it works on them; another one takes over, and leaves them to anybody."""
    dead = SqlOwner(database, folder, "worker", lambda: NOW, slots=10)
    with database.writing() as connection:
        connection.execute(
            runs.update().where(runs.c.run_id.in_(run_ids)).values(owner=dead.id, status="running", is_at_work=1)
        )
    dead._lock.close()
    heir = SqlOwner(database, folder, "worker", lambda: NOW, slots=10)
    adopts(heir)
    heir.release()


def _deaths(database: StateDatabase) -> dict[str, tuple[int, int]]:
    with database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT run_id, in_a_row, in_all FROM run_deaths").all()
    return {run_id: (in_a_row, in_all) for run_id, in_a_row, in_all in rows}


def test_of_runs_whose_process_died_again_and_again_one_at_a_time_is_tried(
    database: StateDatabase, folder: Path
) -> None:
    ids = [RUN.replace("abcdefgh", f"abcdefg{letter}") for letter in "xyz"]
    worker = SqlOwner(database, folder, "worker", lambda: NOW, slots=10)
    for one in ids:
        accept(database, worker.id, one)
    _dies(database, folder, *ids)
    _dies(database, folder, *ids)
    assert set(_deaths(database).values()) == {(2, 0)}, "nobody knows which one is to blame"
    claims = SqlClaims(database)
    now = "2026-11-20T12:00:00.000Z"
    assert [[one.run_id for one in claims.claim(worker.id, now, 10, NO_LIMITS)] for _ in range(2)] == [ids[:1], []]
    _dies(database, folder, ids[0])
    assert _deaths(database) == {ids[0]: (3, 1), ids[1]: (2, 0), ids[2]: (2, 0)}
    assert not Deaths(3, 1).are_too_many
    assert Deaths(5, 3).are_too_many
    assert Deaths(3, 3).are_too_many, "it was alone each time"
    worker.release()


def test_a_process_is_certain_of_its_runs_only_within_its_lease(
    database: StateDatabase, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elapsed = 100.0
    monkeypatch.setattr("engine.store.sql.workers.owners.elapsed_seconds", lambda: elapsed)
    owner = SqlOwner(database, folder, "cli", lambda: NOW, lease_seconds=4)
    elapsed += 3.9
    until(owner.is_certain)
    elapsed += 0.2
    assert not owner.is_certain()
    owner.beat()
    until(owner.is_certain)
    owner.release()
