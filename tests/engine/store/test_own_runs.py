"""A run that waits is due from the moment on at which its wait may have ended, whoever dies meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.base.clock import utc_now
from engine.store.postgres.database import PostgresStateDatabase
from engine.store.sql.acceptances import SqlAcceptances
from engine.store.sql.base.database import StateDatabase
from engine.store.sql.runs import SqlRuns
from engine.store.sql.state import SqlState
from engine.store.sql.workers.owners import SqlOwner
from engine.store.sqlite.database import SqliteStateDatabase
from tests import postgres
from tests.engine.store.test_acceptances import entry

NOW, WOKEN, DUE = (f"2026-11-20T12:0{minute}:00.000Z" for minute in range(3))
_WAKE = "UPDATE runs SET due_at = ? WHERE run_id = ? AND status = 'waiting'"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.service)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StateDatabase]:
    if request.param == "sqlite":
        with closing(SqliteStateDatabase(tmp_path)) as file:
            yield file
    else:
        with postgres.schema() as url, closing(PostgresStateDatabase(url)) as server:
            yield server


@pytest.mark.parametrize("is_woken", [False, True])
def test_a_run_is_due_until_it_is_put_away_and_a_call_that_wakes_it_meanwhile_counts(
    database: StateDatabase, tmp_path: Path, *, is_woken: bool
) -> None:
    owner = SqlOwner(database, tmp_path, "serve", utc_now)
    accepted = entry(1)
    run_id = accepted.acceptance["run_id"]
    SqlAcceptances(database, owner.id).store([accepted])

    async def work() -> None:
        records = SqlState(database).records(owner.id)
        with closing(records.journal):
            records.runs.parked(run_id)
            await records.journal.still_ours()
            assert records.due.due_among([run_id], NOW) == [run_id]
            if is_woken:
                with database.inserting() as cursor:
                    cursor.execute(_WAKE, (WOKEN, run_id))
            records.runs.put_away(run_id, "It waits.", "{}", DUE)
            await records.journal.still_ours()

    asyncio.run(work())
    row = SqlRuns(database).get(run_id)
    assert row is not None
    assert (row.status, row.sentence, row.due_at) == ("waiting", "It waits.", WOKEN if is_woken else DUE)
    owner.release()
