"""The list of runs: every filter finds its newest without reading the others, and pages without gaps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.base.clock import timestamp
from engine.base.names import new_run_id
from engine.store.runs import RunFilter
from engine.store.sql.base.tables import runs
from engine.store.sql.runs import SqlRuns, page_statements
from engine.store.sqlite.database import SqliteStateDatabase

_BEGAN = datetime(2026, 5, 1, 8, tzinfo=UTC)
_STATUSES = ("succeeded", "failed", "cancelled", "waiting")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteStateDatabase]:
    """A state with 400 runs, one every 250 ms."""
    opened = SqliteStateDatabase(tmp_path)
    with opened.writing() as connection:
        connection.execute(runs.insert(), [_row(number) for number in range(400)])
    yield opened
    opened.close()


def _row(number: int) -> dict[str, Any]:
    moment = _BEGAN + timedelta(milliseconds=250 * number)
    status = _STATUSES[number % 4]
    return {
        "run_id": new_run_id(moment),
        "workflow": "triage" if number % 3 else "digest",
        "workflow_id": "triage",
        "title": "Übersicht 100%" if number % 5 else "Commit_digest",
        "status": status,
        "demo": number % 2,
        "started_by": "trigger:new_mail" if number % 7 == 0 else "tester",
        "parent_run_id": "parent" if number % 9 == 0 else None,
        "queued_at": timestamp(moment),
        "ended_at": None if status == "waiting" else timestamp(moment),
        "sentence": f"Done: {number} steps.",
        "counts": "{}",
        "is_test": 0,
        "environment": "prod" if number % 11 == 0 else "",
        "acceptance": "x" * 5000 if status == "waiting" else None,
    }


FILTERS = [
    pytest.param(RunFilter(), lambda n: True, id="none"),
    pytest.param(RunFilter(statuses=("failed",)), lambda n: n % 4 == 1, id="a status"),
    pytest.param(RunFilter(statuses=("failed", "waiting")), lambda n: n % 4 in (1, 3), id="two statuses"),
    pytest.param(RunFilter(workflow="digest"), lambda n: n % 3 == 0, id="a workflow"),
    pytest.param(RunFilter(started_by="trigger:new_mail"), lambda n: n % 7 == 0, id="a trigger"),
    pytest.param(RunFilter(parent="parent"), lambda n: n % 9 == 0, id="a parent"),
    pytest.param(RunFilter(environment="prod"), lambda n: n % 11 == 0, id="an environment"),
    pytest.param(RunFilter(demo=True), lambda n: n % 2 == 1, id="demo"),
    pytest.param(RunFilter(since="2026-05-01T08:00:50.250Z"), lambda n: n >= 201, id="since"),
    pytest.param(RunFilter(until="2026-05-01T08:00:50.250Z"), lambda n: n < 201, id="until"),
    pytest.param(RunFilter(text="COMMIT_d"), lambda n: n % 5 == 0, id="text of a title"),
    pytest.param(RunFilter(text="üBERSICHT"), lambda n: n % 5 != 0, id="text with a letter outside ASCII"),
    pytest.param(RunFilter(text="100%"), lambda n: n % 5 != 0, id="text with a percent sign"),
    pytest.param(RunFilter(text="t_iage"), lambda n: False, id="text with an underscore that is one"),
    pytest.param(RunFilter(text="done: 17 "), lambda n: n == 17, id="text of a sentence"),
    pytest.param(
        RunFilter(text="digest", statuses=("failed",)),
        lambda n: n % 4 == 1 and n % 15 in (0, 3, 5, 6, 9, 10, 12),
        id="text in name or title, and a status",
    ),
]


@pytest.mark.parametrize(("wanted", "is_meant"), FILTERS)
def test_pages_of_a_filter_give_every_run_once_newest_first(
    database: SqliteStateDatabase, wanted: RunFilter, is_meant: Any
) -> None:
    rows, found, before = SqlRuns(database), [], None
    while page := rows.page(wanted, before, 7):
        found += [row.run_id for row in page]
        before = found[-1]
    with database.reading() as connection:
        all_ids = list(connection.execute(runs.select().order_by(runs.c.queued_at)).scalars())
    assert found == [run_id for number, run_id in enumerate(all_ids) if is_meant(number)][::-1]


@pytest.mark.parametrize(("wanted", "_is_meant"), [row for row in FILTERS if "text" not in str(row.id)])
def test_the_newest_of_a_filter_are_read_off_the_end_of_an_index(
    database: SqliteStateDatabase, wanted: RunFilter, _is_meant: Any
) -> None:
    with database.asking() as cursor:
        for statement, values in page_statements(wanted, None, 50, {"parts_failed": (database.parts_failed, ())}):
            plan = [row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
            assert len(plan) == 1, plan  # no sorting
            assert plan[0].startswith("SCAN" if wanted == RunFilter() else "SEARCH"), plan
            assert "acceptance" not in statement
