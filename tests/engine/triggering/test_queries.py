"""However many runs and seen things there are: what is asked every second reads few of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from tests.engine.conftest import OWNER
from tests.engine.triggering.conftest import Feed

_LARGE = ("runs_by_parent", "runs_by_workflow", "runs_by_demo", "runs_by_starter")
"""Indexes under which nearly all runs of a workspace may stand together."""


@contextmanager
def statements(feed: Feed) -> Iterator[list[tuple[str, Any]]]:
    """Give every statement about runs and seen things that is asked inside."""
    found: list[tuple[str, Any]] = []

    def heard(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if not many and ("runs" in statement or "trigger_items" in statement):
            found.append((statement, parameters))

    event.listen(feed.sql, "before_cursor_execute", heard)
    try:
        yield found
    finally:
        event.remove(feed.sql, "before_cursor_execute", heard)


def reads_much(feed: Feed, statement: str, parameters: Any) -> bool:
    if not statement.startswith(("SELECT", "UPDATE", "DELETE")):
        return False
    with feed.database.reading() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    plan = " ".join(str(row[3]) for row in rows)
    return "SCAN runs" in plan or "SCAN trigger_items" in plan or any(f"{name} (" in plan for name in _LARGE)


@pytest.mark.parametrize("concurrency", ["queue", "skip", "cancel_previous"])
def test_looks_turns_and_health_read_few_rows(feed: Feed, concurrency: str) -> None:
    feed.workflow(concurrency=concurrency)
    feed.on()
    feed.write("a", {"id": "b", "read": "BadAnswer"}, "c")
    with statements(feed) as asked:
        feed.poll()
        feed.orchestra.health.now()
        feed.orchestra.triggers.list(OWNER)
        feed.orchestra.triggers.dead(OWNER)
        feed.orchestra._families.triggers.triggering.turns.let_go()
    feed.ended()
    assert len(asked) > 10
    assert [statement for statement, parameters in asked if reads_much(feed, statement, parameters)] == []
