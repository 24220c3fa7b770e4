"""A state file of an earlier release is brought into today's form when it is opened."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from engine.base.errors import StorageError
from engine.store.runs import RunFilter
from engine.store.sql.base.tables import SCHEMA_VERSION
from engine.store.sql.runs import SqlRuns
from engine.store.sqlite.database import SqliteState


def without_what_the_last_form_added(connection: sqlite3.Connection) -> None:
    for column in ("host", "slots", "is_draining"):
        connection.execute(f"ALTER TABLE owners DROP COLUMN {column}")


def of_the_first_release(folder: Path) -> None:
    """Make a state file as the first release left it: without the newer columns and the table of approvals."""
    SqliteState(folder).close()
    with sqlite3.connect(folder / "state.db") as connection:
        without_what_the_last_form_added(connection)
        values = "'[\"a\"]','a','done','r','p','u','h','t',NULL,NULL,NULL,1,0,NULL"
        connection.execute(f"INSERT INTO effects VALUES ({values})")
        connection.execute("ALTER TABLE effects DROP COLUMN owner")
        connection.execute("ALTER TABLE owners DROP COLUMN lease_seconds")
        connection.execute("DROP INDEX runs_by_end_number")
        connection.execute("ALTER TABLE runs DROP COLUMN end_number")
        connection.execute("ALTER TABLE sessions DROP COLUMN address")
        connection.execute("ALTER TABLE sessions DROP COLUMN agent")
        connection.execute("ALTER TABLE trigger_items DROP COLUMN attempts")
        for index in ("starter", "demo", "parent", "owner", "lane"):
            connection.execute(f"DROP INDEX runs_by_{index}")
        connection.execute("DROP INDEX runs_by_workflow_id")
        connection.execute("ALTER TABLE runs DROP COLUMN workflow_id")
        connection.execute("ALTER TABLE runs DROP COLUMN is_test")
        connection.execute("DROP INDEX runs_by_environment")
        connection.execute("ALTER TABLE runs DROP COLUMN environment")
        connection.execute("ALTER TABLE runs DROP COLUMN lane")
        connection.execute("ALTER TABLE effects DROP COLUMN generation")
        for table in ("approvals", "spending", "reservations", "paused_runs", "debugging"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'schema_version'")
    connection.close()


def test_an_older_state_file_keeps_its_receipts_and_gets_what_it_lacks(tmp_path: Path) -> None:
    of_the_first_release(tmp_path)
    SqliteState(tmp_path).close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        assert connection.execute("SELECT identity, state, generation FROM effects").fetchall() == [
            ('["a"]', "done", 0)
        ]
        assert connection.execute("SELECT count(*) FROM approvals").fetchone() == (0,)
        assert connection.execute("SELECT is_test, lane, environment FROM runs").fetchall() == []
        indexes = {row[1] for row in connection.execute("PRAGMA index_list(runs)")}
        assert indexes >= {
            f"runs_by_{name}"
            for name in (
                "status",
                "workflow",
                "workflow_id",
                "starter",
                "demo",
                "parent",
                "owner",
                "lane",
                "end_number",
            )
        }
        assert connection.execute("SELECT owner, lease_seconds FROM owners").fetchall() == []
        assert connection.execute("SELECT owner FROM effects").fetchall() == [(None,)]
        assert connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone() == (SCHEMA_VERSION,)
    connection.close()


def test_ends_and_cursors_of_the_fourth_form_go_on_where_they_were(tmp_path: Path) -> None:
    SqliteState(tmp_path).close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        without_what_the_last_form_added(connection)
        connection.execute("DROP INDEX runs_by_end_number")
        connection.execute("ALTER TABLE runs DROP COLUMN end_number")
        connection.execute("ALTER TABLE trigger_items DROP COLUMN attempts")
        for run_id, ended_at in (("r1", "2026-11-20T12:00:00.250Z"), ("r2", None)):
            columns = (
                "run_id, workflow, workflow_id, title, status, demo, started_by, queued_at, sentence, counts, ended_at"
            )
            row = (run_id, "w", "", "W", "succeeded", 0, "x", "t", "", "{}", ended_at)
            connection.execute(
                f"INSERT INTO runs ({columns}, cancel_requested) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)", row
            )
        cursors = {
            "workflow.finished": {"ended_at": "2026-11-20T12:00:00.250Z", "began_at": "2026-05-01T00:00:00.000Z"},
            "github.release": {"etag": "abc"},
            "github.mention": {"from": "f", "since": "s", "modified": "m"},
        }
        columns = "workflow, trigger, account, source, uses, is_on, demo, start, cursor, turned_on_at, turned_on_by"
        for uses, cursor in cursors.items():
            values = ("w", uses, "a", "", uses, 1, 0, "{}", json.dumps(cursor), "2026-05-01T00:00:00.000Z", "ada")
            connection.execute(f"INSERT INTO triggers ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        connection.execute("UPDATE meta SET value = '4' WHERE key = 'schema_version'")
    connection.close()
    SqliteState(tmp_path).close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        ended = 1_795_176_000_250
        assert connection.execute("SELECT workflow_id FROM runs").fetchall() == [("w",), ("w",)]
        assert connection.execute("SELECT run_id, end_number FROM runs").fetchall() == [("r1", ended), ("r2", None)]
        found = {uses: json.loads(text) for uses, text in connection.execute("SELECT uses, cursor FROM triggers")}
        assert found == {
            "workflow.finished": {"number": ended - 3_600_000},
            "github.release": {"etag": "", "from": "2026-05-01T00:00:00.000Z"},
            "github.mention": {"from": "f", "since": "s", "modified": "m", "reached": ""},
        }
    connection.close()


def test_what_ended_before_a_trigger_of_the_fourth_form_was_turned_on_starts_nothing(tmp_path: Path) -> None:
    SqliteState(tmp_path).close()
    turned_on = "2026-11-20T11:59:00.250Z"
    cursor = json.dumps({"ended_at": "2026-11-20T12:00:00.250Z", "began_at": turned_on})
    with sqlite3.connect(tmp_path / "state.db") as connection:
        without_what_the_last_form_added(connection)
        connection.execute("DROP INDEX runs_by_end_number")
        connection.execute("ALTER TABLE runs DROP COLUMN end_number")
        connection.execute("ALTER TABLE trigger_items DROP COLUMN attempts")
        columns = "workflow, trigger, account, source, uses, is_on, demo, start, cursor, turned_on_at, turned_on_by"
        values = ("w", "t", "a", "", "workflow.finished", 1, 0, "{}", cursor, turned_on, "ada")
        connection.execute(f"INSERT INTO triggers ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        connection.execute("UPDATE meta SET value = '4' WHERE key = 'schema_version'")
    connection.close()
    SqliteState(tmp_path).close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        (text,) = connection.execute("SELECT cursor FROM triggers").fetchone()
        assert json.loads(text) == {"number": 1_795_176_000_250 - 60_000}
    connection.close()


def test_a_damaged_acceptance_does_not_stop_the_migration(tmp_path: Path) -> None:
    SqliteState(tmp_path).close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        without_what_the_last_form_added(connection)
        connection.execute("DROP INDEX runs_by_environment")
        connection.execute("ALTER TABLE runs DROP COLUMN environment")
        columns = "run_id, workflow, workflow_id, title, status, demo, started_by, queued_at, sentence, counts"
        for run_id, acceptance in (("r1", '{"environment": {"name": "prod"}}'), ("r2", "{"), ("r3", None)):
            row = (run_id, "w", "w", "W", "waiting", 0, "x", "t", "", "{}", acceptance)
            values = "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0"
            connection.execute(f"INSERT INTO runs ({columns}, acceptance, cancel_requested) VALUES ({values})", row)
        connection.execute("UPDATE meta SET value = '13' WHERE key = 'schema_version'")
    connection.close()
    SqliteState(tmp_path).close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        found = connection.execute("SELECT environment FROM runs ORDER BY run_id").fetchall()
    connection.close()
    assert found == [("prod",), ("",), ("",)]


@pytest.mark.parametrize(
    ("run_ids", "items", "found"),
    [
        pytest.param(["r1", "r2"], [("a", "r1", "Übung"), ("b", None, "Übung")], ["r1"], id="an item of a run"),
        pytest.param(["r1", "r2"], [("a", "r1", "Bung"), ("b", "r1", "Übung")], ["r1"], id="two items of a run"),
        pytest.param(["r1"], [], [], id="no items"),
        pytest.param([], [("a", "r1", "Übung")], [], id="no runs"),
    ],
)
def test_runs_of_the_eighteenth_form_are_found_by_the_items_that_started_them(
    tmp_path: Path, run_ids: list[str], items: list[tuple[str, str | None, str]], found: list[str]
) -> None:
    SqliteState(tmp_path).close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("ALTER TABLE runs DROP COLUMN item")
        columns = "run_id, workflow, workflow_id, title, status, demo, started_by, queued_at, sentence, counts"
        for run_id in run_ids:
            row = (run_id, "w", "w", "W", "succeeded", 0, "x", "t", "", "{}")
            connection.execute(
                f"INSERT INTO runs ({columns}, cancel_requested) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)", row
            )
        connection.executemany(
            "INSERT INTO trigger_items (workflow, trigger, account, source, item, state, run_id, title, seen_at)"
            " VALUES ('w', 't', 'a', '', ?, 'started', ?, ?, '')",
            items,
        )
        connection.execute("UPDATE meta SET value = '18' WHERE key = 'schema_version'")
    connection.close()
    with closing(SqliteState(tmp_path)) as opened:
        assert [row.run_id for row in SqlRuns(opened).page(RunFilter(text="übung"), None, 9)] == found
        assert opened.fact("schema_version") == SCHEMA_VERSION


def test_a_state_file_of_a_later_release_is_refused_untouched(tmp_path: Path) -> None:
    SqliteState(tmp_path).close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    connection.close()
    with pytest.raises(StorageError, match="another release"):
        SqliteState(tmp_path)


def test_tokens_and_sessions_of_the_form_before_get_networks_and_browsers(tmp_path: Path) -> None:
    SqliteState(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection, connection:
        connection.execute("ALTER TABLE sessions DROP COLUMN is_new_device")
        connection.execute("ALTER TABLE api_tokens DROP COLUMN networks")
        connection.execute("INSERT INTO api_tokens VALUES ('h', 'ada', 'laptop', '', 0, '2026-11-28', '', '')")
        connection.execute("INSERT INTO sessions VALUES ('h', 'ada', '2026-11-28', '2026-12-28', '', '', '')")
        connection.execute("UPDATE meta SET value = '20' WHERE key = 'schema_version'")
    SqliteState(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        assert connection.execute("SELECT name, networks FROM api_tokens").fetchall() == [("laptop", "")]
        assert connection.execute("SELECT user_id, is_new_device FROM sessions").fetchall() == [("ada", 0)]
