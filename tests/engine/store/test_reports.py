"""The views for reports keep their columns, show what runs left, and come to a state of the form before them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from engine.agents.conversation import conversation_of
from engine.orchestra import Orchestra
from engine.store.blobs.postgres import PostgresBlobs
from engine.store.postgres.database import PostgresStateDatabase
from engine.store.sql.base.tables import SCHEMA_VERSION
from tests import postgres
from tests.engine.conftest import OWNER, write_workflow
from tests.engine.store.earlier_form import make_earlier
from tests.patience import until
from tests.workspaces import init

pytestmark = pytest.mark.service
PROMISED = {
    "report_runs": "run_id workflow_id workflow title status environment started_by is_demo is_test is_plan"
    " origin_run_id parent_run_id queued_at started_at ended_at duration_seconds sentence steps failed_steps items"
    " failed_items kind",
    "report_workflows": "workflow_id workflow title runs open_runs succeeded failed cancelled average_seconds"
    " last_queued_at last_ended_at",
    "report_steps": "run_id workflow_id path step_id uses connection status started_at ended_at duration_seconds"
    " attempts error_code input_tokens output_tokens cost_usd",
    "report_agents": "agent version run_id parent_run_id status is_demo started_at duration_seconds turns tool_calls"
    " failed_tool_calls input_tokens output_tokens cost_usd",
    "report_definitions": "workflow_id workflow workflow_hash run_id accepted_at definition",
    "report_costs": "day kind is_demo name calls input_tokens output_tokens usd calls_without_price",
}
"""Columns that people's questions name. They may get more, and lose none; docs/observability.md tells of each."""
_COLUMNS = (
    "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = %s"
)


@pytest.fixture
def url() -> Iterator[str]:
    with postgres.schema() as found:
        yield found


@pytest.fixture
def asked(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("view", PROMISED)
def test_a_view_has_the_columns_that_are_promised_and_described(view: str, url: str, asked: psycopg.Connection) -> None:
    PostgresBlobs.at(url).close()
    PostgresStateDatabase(url).close()
    found = {name for (name,) in asked.execute(_COLUMNS, (view,))}
    assert found >= set(PROMISED[view].split())
    described = Path("docs/observability.md").read_text(encoding="utf-8")
    assert [name for name in (view, *PROMISED[view].split()) if f"`{name}`" not in described] == []


def test_the_views_show_a_run_and_its_steps(
    tmp_path: Path, url: str, asked: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRA_STATE", url)
    monkeypatch.setenv("ORCHESTRA_LOGS", "postgres")
    (tmp_path / "config.yaml").write_text("connections: {}\n")
    text = "a sign that texts of PostgreSQL cannot hold: \0"
    (tmp_path / "workflows").mkdir()
    write_workflow(tmp_path, "work", [_set("one", 1), {**_set("two", text), "needs": ["one"]}])
    for _ in range(2):  # the view of the steps is made once there are logs
        with closing(Orchestra.open(tmp_path)) as orchestra:
            run_id = orchestra.runs.start(OWNER, "work", {})
            assert orchestra.runs.wait(OWNER, run_id, 60)["status"] == "succeeded"
    rows = asked.execute("SELECT status, steps, is_demo, ended_at >= queued_at FROM report_runs").fetchall()
    assert rows == [("succeeded", 2, False, True)] * 2
    steps = "SELECT path, uses, status, attempts, cost_usd FROM report_steps WHERE run_id = %s ORDER BY path"
    assert asked.execute(steps, (run_id,)).fetchall() == [
        ("one", "flow.set", "succeeded", 1, None),
        ("two", "flow.set", "succeeded", 1, None),
    ]
    assert asked.execute("SELECT workflow, runs, succeeded FROM report_workflows").fetchall() == [("work", 2, 2)]
    accepted = "SELECT count(DISTINCT workflow_hash), min(definition -> 'workflow' -> 'steps' -> 0 ->> 'id'), count(*)"
    assert asked.execute(f"{accepted} FROM report_definitions WHERE accepted_at <= now()").fetchone() == (1, "one", 2)


def _set(name: str, value: object) -> dict[str, object]:
    return {"id": name, "uses": "flow.set", "with": {"values": {"value": value}}}


def test_the_work_of_agents_is_shown_as_their_conversations_show_it(
    tmp_path: Path, url: str, asked: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRA_STATE", url)
    monkeypatch.setenv("ORCHESTRA_LOGS", "postgres")
    init(tmp_path)
    with closing(Orchestra.open(tmp_path, demo=True)) as orchestra:
        orchestra.workflows.create_from_sample(OWNER, "research-agent", "research")
        lines = ["CALL read_mails {}", "CALL read_mails {}", 'CALL finish {"output": {"summary": "Read."}}']
        run_id = orchestra.runs.start(OWNER, "research", {"mails": "crashes", "question": "\n".join(lines)})
        until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "succeeded")
        [row] = orchestra.runs.list(OWNER, parent=run_id).rows
        told = conversation_of(orchestra.runs.get(OWNER, row.run_id))
    with closing(Orchestra.open(tmp_path, demo=True)):
        pass  # the views of what is in the logs are made once there are some
    numbers = "turns, tool_calls, input_tokens + output_tokens"
    [found] = asked.execute(f"SELECT agent, parent_run_id, status, is_demo, {numbers} FROM report_agents").fetchall()
    calls = sum(len(turn.calls) for turn in told.turns)
    assert found == ("research-agent", run_id, "succeeded", True, told.asked, calls, told.tokens)
    assert told.asked > 1
    assert calls > 1


def test_costs_are_shown_by_what_asked(url: str, asked: psycopg.Connection) -> None:
    PostgresStateDatabase(url).close()
    amounts = "3, 1000, 200, 1500000000, 1"
    asked.execute(f"INSERT INTO spending VALUES ('use:model:mine:a:b', '2026-11-20', {amounts})")
    asked.execute(f"INSERT INTO spending VALUES ('all', '2026-11', {amounts})")
    [row] = asked.execute("SELECT day::text, kind, is_demo, name, calls, usd::text FROM report_costs").fetchall()
    assert (*row[:5], float(row[5])) == ("2026-11-20", "model", False, "a:b", 3, 1.5)


def test_a_state_of_the_form_before_is_brought_into_this_one_while_others_work(
    url: str, asked: psycopg.Connection
) -> None:
    PostgresBlobs.at(url).close()
    with closing(PostgresStateDatabase(url)) as at_work:
        asked.execute("DROP VIEW report_runs, report_workflows, report_costs, report_steps")
        asked.execute("CREATE VIEW report_steps AS SELECT run_id, workflow_id FROM runs")  # it had fewer columns
        asked.execute("GRANT SELECT ON report_steps TO pg_monitor")
        make_earlier(asked.execute)
        with closing(PostgresStateDatabase(url)) as opened:
            assert opened.fact("schema_version") == SCHEMA_VERSION
        assert asked.execute("SELECT to_regclass('runs_by_turn')::text").fetchone() == ("runs_by_turn",)
        assert asked.execute("SELECT count(*) FROM report_runs").fetchone() == (0,)
        assert asked.execute("SELECT count(path) FROM report_steps").fetchone() == (0,)
        may_read = "SELECT has_table_privilege('pg_monitor', 'report_steps', 'SELECT')"
        assert asked.execute(may_read).fetchone() == (True,)  # as a view that is made anew would not
        with at_work.inserting() as cursor:
            cursor.execute("INSERT INTO settings VALUES ('a', 'b')")
