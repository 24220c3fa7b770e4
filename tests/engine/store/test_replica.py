"""Lists and reports from a replica: here a second schema, stale on purpose, so that each answer tells who was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psycopg
import pytest

from cli import main
from engine.base.clock import moment_of, timestamp
from engine.base.errors import StorageError
from engine.orchestra import Orchestra
from engine.store import reports
from engine.store.postgres.database import PostgresStateDatabase
from engine.store.postgres.server.address import ReadOnly
from engine.store.sql.base.tables import metadata
from tests import postgres
from tests.engine.conftest import OWNER, write_workflow
from tests.patience import until
from tests.road import Road

pytestmark = pytest.mark.service

STALE = "as the replica has it"


class World(NamedTuple):
    """A workspace whose state has two runs of the past, and a copy of it with other titles, lines and counts."""

    root: Path
    road: Road
    """To the copy."""
    copy: psycopg.Connection[Any]
    url: str
    """Of the copy, not by the road."""
    ended: str
    waiting: str


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("day", "wait"):
        (tmp_path / "workflows").mkdir(exist_ok=True)
        step = {"id": "one", "uses": "flow.set", "with": {"values": {"value": 1}}}
        asks = {"id": "one", "uses": "flow.approve", "with": {"message": "Shall it go on?"}}
        write_workflow(tmp_path, name, [step if name == "day" else asks])
    (tmp_path / "config.yaml").write_text("connections: {}\n")
    with postgres.schema() as state, postgres.schema() as copy:
        monkeypatch.setenv("ORCHESTRA_STATE", state)
        with closing(Orchestra.open(tmp_path)) as orchestra:
            ended, waiting = (orchestra.runs.start(OWNER, name, {}) for name in ("day", "wait"))
            orchestra.runs.wait(OWNER, ended, 60)
            until(lambda: orchestra.runs.get(OWNER, waiting)["status"] == "waiting")
        PostgresStateDatabase(copy).close()
        parts = urlsplit(copy)
        road = Road(parts.hostname or "127.0.0.1", parts.port or 5432)
        monkeypatch.setenv("ORCHESTRA_STATE_REPLICA", copy.replace(f":{parts.port}/", f":{road.port}/"))
        with psycopg.connect(copy.replace("+psycopg", ""), autocommit=True) as connection:
            _copy(connection, _schema(state), _schema(copy))
            yield World(tmp_path, road, connection, copy, ended, waiting)
        road.close()


def _schema(url: str) -> str:
    return url.rpartition("%3D")[2]


def _copy(connection: psycopg.Connection[Any], source: str, target: str) -> None:
    for table in metadata.sorted_tables:
        connection.execute(f"DELETE FROM {target}.{table.name}".encode())
        connection.execute(f"INSERT INTO {target}.{table.name} SELECT * FROM {source}.{table.name}".encode())
    connection.execute("UPDATE runs SET title = %s", (STALE,))
    connection.execute("UPDATE audit SET target = %s", (STALE,))
    connection.execute("UPDATE runs SET status = 'running', owner = 'gone' WHERE ended_at IS NULL")
    amounts = "calls, input_tokens, output_tokens, nano_usd, unpriced"
    values = "'use:model:mine:one', to_char(now(), 'YYYY-MM-DD'), 3, 1, 1, 0, 0"
    connection.execute(f"INSERT INTO spending (scope, period, {amounts}) VALUES ({values})".encode())


def _titles(orchestra: Orchestra, **wanted: Any) -> dict[str, str]:
    return {row.run_id: row.title for row in orchestra.runs.list(OWNER, **wanted).rows}


def test_lists_and_reports_come_from_the_replica(world: World) -> None:
    with closing(Orchestra.open(world.root)) as orchestra:
        assert _titles(orchestra)[world.ended] == STALE
        assert _titles(orchestra, workflow="day", status="succeeded") == {world.ended: STALE}
        assert [hit.title for hit in orchestra.search.find(OWNER, world.ended)] == [STALE]
        assert {line.target for line in orchestra.trail.lines(OWNER)} == {STALE}
        assert [row.calls for row in orchestra.usage.report(OWNER, "model").rows] == [3]
        world.copy.execute("DELETE FROM runs")
        assert orchestra.runs.days(OWNER, 2)[-1]["runs"] == 0
        assert _titles(orchestra) == {}
        assert orchestra.health.now().status == "ok"


def test_runs_that_have_not_ended_are_shown_as_they_are_now(world: World) -> None:
    with closing(Orchestra.open(world.root)) as orchestra:
        [row] = [row for row in orchestra.runs.list(OWNER).rows if row.run_id == world.waiting]
        assert (row.status, row.title != STALE) == ("waiting", True)  # by the replica's row it would be interrupted
        found = _titles(orchestra, status="waiting")
        assert (set(found), STALE in found.values()) == ({world.waiting}, False)
        world.copy.execute("UPDATE runs SET run_id = '2999-and-removed' WHERE ended_at IS NULL")
        assert STALE not in _titles(orchestra).values()  # one is no longer there, so the state is asked for the page


def test_what_is_decided_is_decided_by_the_state(world: World) -> None:
    with closing(Orchestra.open(world.root)) as orchestra:
        until(lambda: _titles(orchestra)[world.ended] == STALE)
        assert STALE not in {row.title for row in orchestra.attention.now(OWNER).recent}
        assert STALE not in {row.title for row in orchestra.runs.list_now(OWNER).rows}
        world.copy.execute("DELETE FROM runs")
        assert orchestra.runs.get(OWNER, world.waiting)["status"] == "waiting"


def test_a_replica_that_goes_away_costs_nobody_an_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Orchestra.open(world.root)) as orchestra:
        assert _titles(orchestra)[world.ended] == STALE
        world.road.close()
        assert set(_titles(orchestra)) == {world.ended, world.waiting}
        assert STALE not in _titles(orchestra).values()
        health = orchestra.health.now()
        assert (health.status, [one.check for one in health.reasons]) == ("degraded", ["replica"])
        assert (
            "so lists and reports come from the state itself: The state at postgresql://" in health.reasons[0].message
        )
        parts = urlsplit(world.url)
        again = Road(parts.hostname or "127.0.0.1", parts.port or 5432, world.road.port)
        try:
            assert STALE not in _titles(orchestra).values()  # not yet
            monkeypatch.setattr(reports, "_LOOK_SECONDS", 0.0)
            orchestra._families.opened.state.reports._look_at = 0.0
            until(lambda: _titles(orchestra)[world.ended] == STALE)
            until(lambda: orchestra.health.now().status == "ok")
        finally:
            again.close()


def test_nobody_waits_for_a_replica_that_is_silent(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.road.cut(is_silent=True)
    with closing(Orchestra.open(world.root)) as orchestra:
        assert STALE not in _titles(orchestra).values()
        assert [one.message[-19:] for one in orchestra.health.now().reasons] == ["It does not answer."]
    assert main(["connections", "check", "--workspace", str(world.root), "--json"]) == 1
    lines = json.loads(capsys.readouterr().out)["processes"]
    assert [line["ok"] for line in lines if line["what"] == "replica"] == [False]


def test_a_query_that_the_replica_ends_is_answered_by_the_state(world: World) -> None:
    with closing(Orchestra.open(world.root)) as orchestra:
        assert _titles(orchestra)[world.ended] == STALE
        raised = "RAISE 'canceling statement due to conflict with recovery' USING ERRCODE = '40001'"
        world.copy.execute("ALTER TABLE audit RENAME TO earlier")
        world.copy.execute(
            f"CREATE FUNCTION conflict() RETURNS boolean LANGUAGE plpgsql AS $$BEGIN {raised}; END$$".encode()
        )
        world.copy.execute("CREATE VIEW audit AS SELECT * FROM earlier WHERE conflict()")
        assert STALE not in {line.target for line in orchestra.trail.lines(OWNER)}
        assert STALE not in orchestra.trail.csv(OWNER)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE meta SET value = '1' WHERE key = 'schema_version'", "was written by a version before 0.1.0"),
        ("UPDATE meta SET value = '999' WHERE key = 'schema_version'", "was written by another release"),
        ("DROP TABLE kept_texts", "is empty"),
    ],
    ids=["older", "newer", "no state"],
)
def test_a_replica_of_another_form_is_not_asked(world: World, change: str, said: str) -> None:
    world.copy.execute(change.encode())
    with closing(Orchestra.open(world.root)) as orchestra:
        assert STALE not in _titles(orchestra).values()
        [reason] = orchestra.health.now().reasons
        assert said in reason.message


@pytest.mark.parametrize("seconds", [None, 30, 90], ids=["another state", "a little behind", "far behind"])
def test_a_replica_that_is_far_behind_is_not_asked(world: World, seconds: int | None) -> None:
    with closing(Orchestra.open(world.root)) as orchestra:
        assert _titles(orchestra)[world.ended] == STALE  # this process has only just begun: nothing can be missing
        state = orchestra._families.opened.state
        with orchestra._families.opened.database.writing() as connection:
            connection.exec_driver_sql("UPDATE owners SET started_at = '2026-01-01T00:00:00.000Z'")
        if seconds is not None:
            there = "INSERT INTO owners (owner, pid, kind, started_at, heartbeat_at, lease_seconds)"
            world.copy.execute("DELETE FROM owners")
            for one in state.loads.now().processes:
                beat = timestamp(moment_of(one.heartbeat_at) - timedelta(seconds=seconds))
                world.copy.execute(f"{there} VALUES (%s, 1, 'serve', %s, %s, 30)".encode(), (one.owner, beat, beat))
        state.reports._look_at = 0.0
        is_asked = seconds == 30
        assert (STALE in _titles(orchestra).values()) == is_asked
        said = [one.message for one in orchestra.health.now().reasons]
        assert is_asked == (not said)
        assert is_asked or "more than a minute behind" in said[0]


def test_the_server_refuses_to_write_through_the_replica(world: World) -> None:
    with closing(
        PostgresStateDatabase(world.url, ReadOnly("It is a replica", "Write to the state itself."))
    ) as replica:
        insert = "INSERT INTO settings (key, value) VALUES ('a', 'b')"
        with pytest.raises(StorageError, match="It is a replica, so this process"), replica.reading() as connection:
            connection.exec_driver_sql(insert)
        with (
            pytest.raises(StorageError, match="It is a replica, so this process only reads"),
            replica.asking() as asked,
        ):
            asked.execute(insert)
        with replica.address.connect() as driver, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            driver.execute(insert)
