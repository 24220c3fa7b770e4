"""Workflows that start each other by their ends stop by themselves."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from sqlalchemy import event

from engine.orchestra import Orchestra
from engine.plugins.trigger import Start
from engine.store.sql.base.tables import runs
from engine.store.sql.triggering.runs import SqlTriggeredRuns, ended_since
from tests.engine.conftest import OWNER, set_step, write_workflow
from tests.engine.triggering.conftest import Feed
from tests.patience import PATIENCE_SECONDS


def follows(*others: str, **more: Any) -> dict[str, Any]:
    fields = {"workflows": list(others), **more}
    return {"triggers": [{"id": "end", "uses": "workflow.finished", "with": fields}]}


def settle(orchestra: Orchestra) -> Counter[str]:
    """Look until nothing more starts; return how many runs each workflow has had."""
    while started := [run_id for one in orchestra.triggers.poll(OWNER) for run_id in one.started]:
        for run_id in started:
            orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    return Counter(row.workflow for row in orchestra.runs.list(OWNER, limit=200).rows)


def follow_and_run(feed: Feed, others: Mapping[str, Sequence[str]], run: str) -> Counter[str]:
    """Let each workflow follow on the ends of others, none named: of any; run one, and return what came of it."""
    for name, named in others.items():
        write_workflow(feed.root, name, [set_step("a")], **follows(*named))
        feed.orchestra.triggers.turn_on(OWNER, name, "end", Start())
    feed.clock.move(1)
    feed.orchestra.runs.wait(OWNER, feed.orchestra.runs.start(OWNER, run, {}), PATIENCE_SECONDS)
    return settle(feed.orchestra)


def test_a_workflow_never_follows_on_itself_by_way_of_another(feed: Feed) -> None:
    assert follow_and_run(feed, {"ping": ["pong"], "pong": ["ping"]}, "ping") == Counter(ping=1, pong=1)
    [ping] = [one for one in feed.orchestra.triggers.list(OWNER) if one.workflow == "ping"]
    assert ping.items == 1  # the end of pong, left out


def test_workflows_that_follow_on_any_end_do_not_multiply(feed: Feed) -> None:
    write_workflow(feed.root, "plain", [set_step("a")])
    each = 1 + 2 + 2  # after plain, after each of the two others, after both in either order
    assert follow_and_run(feed, {"a": [], "b": [], "c": []}, "plain") == Counter(plain=1, a=each, b=each, c=each)


def test_a_row_of_different_workflows_ends_after_eight(feed: Feed) -> None:
    names = [f"w{number}" for number in range(10)]
    others = {name: [before] for before, name in pairwise(names)}
    write_workflow(feed.root, "w0", [set_step("a")])
    assert follow_and_run(feed, others, "w0") == Counter(names[:9])


def test_ended_runs_are_read_off_an_index(feed: Feed) -> None:
    with feed.database.reading() as connection:
        statement = ended_since(1, demo=False).compile(compile_kwargs={"literal_binds": True})
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all()
    assert ["runs_by_end_number" in str(row) for row in plan] == [True]


def test_ends_of_test_runs_and_called_runs_and_of_the_other_accounts_do_not_count(feed: Feed) -> None:
    orchestra = feed.orchestra
    write_workflow(feed.root, "inner", [set_step("a")])
    call = {"id": "call", "uses": "workflow.run", "with": {"workflow": "inner"}}
    write_workflow(feed.root, "outer", [call, set_step("b")])
    orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "outer", {}), PATIENCE_SECONDS)
    test = orchestra.runs.start(OWNER, "outer", {}, pins={"call": {}})
    orchestra.runs.wait(OWNER, test, PATIENCE_SECONDS)
    ended = SqlTriggeredRuns(feed.database)
    assert [run["workflow"] for run in ended.ended_since(0, 10, demo=False)] == ["outer"]
    assert ended.ended_since(0, 10, demo=True) == []


def test_an_end_comes_after_all_that_were_stored_before_it_also_when_the_clock_is_put_back(feed: Feed) -> None:
    write_workflow(feed.root, "plain", [set_step("a")])
    ended = SqlTriggeredRuns(feed.database)
    number = 0
    for seconds in (0, -30 * 86_400, 3600):
        feed.clock.move(seconds)
        run_id = feed.orchestra.runs.start(OWNER, "plain", {})
        feed.orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
        [run] = ended.ended_since(number, 10, demo=False)
        assert run["run_id"] == run_id
        number = run["end_number"] + 1


def test_ends_of_one_number_which_were_numbered_by_their_times_are_listed_together(feed: Feed) -> None:
    feed.on()
    feed.write(*(f"n{number}" for number in range(5)))
    started = feed.poll().started
    feed.ended(*started)
    with feed.database.writing() as connection:
        connection.execute(runs.update().where(runs.c.run_id.in_(sorted(started)[1:4])).values(end_number=2))
        connection.execute(runs.update().where(runs.c.run_id == min(started)).values(end_number=1))
    found, number = [], 0
    while ended := SqlTriggeredRuns(feed.database).ended_since(number, 2, demo=False):
        found += [run["run_id"] for run in ended]
        number = ended[-1]["end_number"] + 1
    assert found == sorted(started)


def test_an_hour_of_runs_that_no_end_has_started_is_read_in_a_few_queries(feed: Feed) -> None:
    feed.on()
    feed.write(*(f"n{number}" for number in range(20)))
    feed.ended(*feed.poll().started)
    asked: list[str] = []
    here = threading.get_ident()
    event.listen(
        feed.sql,
        "before_cursor_execute",
        lambda *told: asked.append(told[2]) if threading.get_ident() == here else None,
    )
    assert len(SqlTriggeredRuns(feed.database).ended_since(0, 100, demo=False)) == 20
    assert len(asked) == 2
