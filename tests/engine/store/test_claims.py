"""Workers take runs that belong to nobody, each once, and hear of a new one all that there is to know."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from engine.base.clock import utc_now
from engine.base.errors import Fenced
from engine.store.claims import Draining
from engine.store.postgres.database import PostgresStateDatabase
from engine.store.run_limits import NO_LIMITS
from engine.store.sql.acceptances import SqlAcceptances
from engine.store.sql.base.database import StateDatabase
from engine.store.sql.base.tables import owners
from engine.store.sql.workers.claims import SqlClaims
from engine.store.sql.workers.owners import SqlOwner, SqlOwners
from engine.store.sql.workers.run_queue import SqlRunQueue
from engine.store.sqlite.database import SqliteStateDatabase
from tests import postgres
from tests.engine.store.test_acceptances import entry
from tests.patience import until

NOW = "2026-11-20T12:00:00.000Z"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.service)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StateDatabase]:
    if request.param == "sqlite":
        with closing(SqliteStateDatabase(tmp_path)) as file:
            yield file
    else:
        with postgres.schema() as url, closing(PostgresStateDatabase(url)) as server:
            yield server


@pytest.fixture
def workers(database: StateDatabase, tmp_path: Path) -> Iterator[tuple[str, str]]:
    found = [SqlOwner(database, tmp_path, "worker", utc_now, slots=5) for _ in range(2)]
    yield found[0].id, found[1].id
    for one in found:
        one.release()


def test_a_run_is_taken_once_and_a_new_one_comes_with_its_acceptance(
    database: StateDatabase, workers: tuple[str, str]
) -> None:
    me, other = workers
    entries = [entry(number) for number in range(4)]
    SqlAcceptances(database, me, shared=True).store(entries)
    ids = [one.acceptance["run_id"] for one in entries]
    with database.inserting() as cursor:
        cursor.execute("INSERT INTO events (run_id, number, event) VALUES (?, 1, '{}')", (ids[1],))
        cursor.execute("INSERT INTO run_deaths (run_id, in_a_row, in_all) VALUES (?, 1, 1)", (ids[2],))
    claims = SqlClaims(database)
    taken = claims.claim(me, NOW, 3, NO_LIMITS)
    assert [one.run_id for one in taken] == ids[:3]
    assert [one.acceptance and json.loads(one.acceptance)["run_id"] for one in taken] == [ids[0], None, None]
    with database.inserting() as cursor:
        cursor.execute("UPDATE runs SET cancel_requested = 1 WHERE run_id = ?", (ids[3],))
    assert claims.claim(other, NOW, 3, NO_LIMITS) == [(ids[3], None)]
    assert claims.claim(other, NOW, 3, NO_LIMITS) == []


def test_who_was_taken_for_dead_or_is_to_end_takes_nothing(database: StateDatabase, workers: tuple[str, str]) -> None:
    me, other = workers
    SqlAcceptances(database, me, shared=True).store([entry(1)])
    claims = SqlClaims(database)
    SqlOwners(database).drain(other)
    with pytest.raises(Draining):
        claims.claim(other, NOW, 1, NO_LIMITS)
    SqlAcceptances(database, other, waits=True).store([entry(2)])
    [own] = claims.claim(other, NOW, 0, NO_LIMITS, 5)  # what is its own goes on
    assert own.run_id == entry(2).acceptance["run_id"]
    with database.writing() as connection:
        connection.execute(owners.delete().where(owners.c.owner == me))
    with pytest.raises(Fenced):
        claims.claim(me, NOW, 1, NO_LIMITS)


def test_a_run_in_line_that_was_inherited_is_free_once_it_has_its_turn(database: StateDatabase, tmp_path: Path) -> None:
    dead = SqlOwner(database, tmp_path, "serve", utc_now, slots=5)
    one = replace(entry(1), lane="work")
    SqlAcceptances(database, dead.id, shared=True).store([one])
    dead._lock.close()
    heir = SqlOwner(database, tmp_path, "serve", utc_now, slots=5)
    run_id = one.acceptance["run_id"]
    until(lambda: heir.adopt() == [run_id], "the death to be noticed")
    claims = SqlClaims(database)
    assert claims.claim(heir.id, NOW, 3, NO_LIMITS) == []
    assert SqlRunQueue(database).hand_out(heir.id, {"work": 1}, shared=True) == [run_id]
    assert [taken.run_id for taken in claims.claim(heir.id, NOW, 3, NO_LIMITS)] == [run_id]
    heir.release()


def test_the_queues_of_two_processes_together_hand_out_as_many_as_a_workflow_permits(
    database: StateDatabase, workers: tuple[str, str]
) -> None:
    for number, worker in enumerate((*workers, *workers)):
        accepted = entry(number, started_by="trigger:mail")
        SqlAcceptances(database, worker).store([replace(accepted, lane="work")])
    queues, at_once = [SqlRunQueue(database), SqlRunQueue(database)], {"work": 2}
    lines = [queue.line(worker) for queue, worker in zip(queues, workers, strict=True)]
    assert [len(line.next(at_once)) for line in lines] == [2, 2]  # both have looked, and neither has handed out
    handed_out = [queue.hand_out(worker, at_once) for queue, worker in zip(queues, workers, strict=True)]
    assert [len(one) for one in handed_out] == [2, 0]
