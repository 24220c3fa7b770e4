"""Workflows that start each other by their ends stop by themselves."""

from __future__ import annotations

from collections import Counter
from typing import Any

from engine.orchestra import Orchestra
from engine.trigger import Start
from engine.triggering.ended_runs import EndedRuns, ended_since
from tests.engine.conftest import OWNER, set_step, write_workflow
from tests.engine.triggering.conftest import Feed


def follows(*others: str, **more: Any) -> dict[str, Any]:
    fields = {"workflows": list(others), **more}
    return {"triggers": [{"id": "end", "uses": "workflow.finished", "with": fields}]}


def settle(orchestra: Orchestra) -> Counter[str]:
    """Look until nothing more starts; return how many runs each workflow has had."""
    while started := [run_id for one in orchestra.triggers.poll(OWNER) for run_id in one.started]:
        for run_id in started:
            orchestra.runs.wait(OWNER, run_id, 30)
    return Counter(row.workflow for row in orchestra.runs.list(OWNER, limit=200).rows)


def test_two_that_follow_on_each_other_end_after_eight(feed: Feed) -> None:
    orchestra = feed.orchestra
    for name, other in (("ping", "pong"), ("pong", "ping")):
        write_workflow(feed.root, name, [set_step("a")], **follows(other))
        orchestra.triggers.turn_on(OWNER, name, "end", Start())
    settle(orchestra)
    feed.clock.move(1)
    orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "ping", {}), 30)
    assert settle(orchestra) == Counter(ping=5, pong=4)
    [last] = [one for one in orchestra.triggers.list(OWNER) if one.workflow == "pong"]
    assert last.items == 5


def test_ended_runs_are_read_off_an_index(feed: Feed) -> None:
    with feed.database.reading() as connection:
        statement = ended_since("2026", demo=False).compile(compile_kwargs={"literal_binds": True})
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all()
    assert ["runs_by_end" in str(row) for row in plan] == [True]


def test_ends_of_test_runs_and_called_runs_and_of_the_other_accounts_do_not_count(feed: Feed) -> None:
    orchestra = feed.orchestra
    write_workflow(feed.root, "inner", [set_step("a")])
    call = {"id": "call", "uses": "workflow.run", "with": {"workflow": "inner"}}
    write_workflow(feed.root, "outer", [call, set_step("b")])
    orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "outer", {}), 30)
    test = orchestra.runs.start(OWNER, "outer", {}, pins={"call": {}})
    orchestra.runs.wait(OWNER, test, 30)
    ended = EndedRuns(feed.database)
    assert [run["workflow"] for run in ended.since("2000", 10, demo=False)] == ["outer"]
    assert ended.since("2000", 10, demo=True) == []
