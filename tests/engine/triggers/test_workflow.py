"""Runs of other workflows that have ended: each end counts once, whichever comes late."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from engine.plugins.registry import trigger_type
from engine.plugins.trigger import Start
from tests.engine.triggers.looking import NOW, Looker
from tests.engine.triggers.workflow_world import Runs


def looker(runs: Runs, start: Start | None = None, **fields: Any) -> Looker:
    kind = trigger_type("workflow.finished")
    return Looker(kind, fields, start=start or Start(), ended_runs=runs.since, last_end=runs.last)


@pytest.mark.parametrize(
    ("fields", "row", "counts"),
    [
        pytest.param({}, {}, True, id="any other"),
        pytest.param({}, {"workflow": "work"}, False, id="its own"),
        pytest.param({"workflows": ["work"]}, {"workflow": "work"}, False, id="its own though named"),
        pytest.param({"workflows": ["other"]}, {}, True, id="a named one"),
        pytest.param({"workflows": ["third"]}, {}, False, id="another than named"),
        pytest.param({}, {"status": "failed"}, True, id="failed"),
        pytest.param({}, {"status": "cancelled"}, False, id="cancelled"),
        pytest.param({"statuses": ["cancelled"]}, {"status": "cancelled"}, True, id="cancelled though"),
        pytest.param({}, {"chain": list("abcdefg")}, True, id="in a row"),
        pytest.param({}, {"chain": list("abcdefgh")}, False, id="in too long a row"),
        pytest.param({}, {"chain": ["third", "work"]}, False, id="what follows from a run of its own"),
    ],
)
def test_which_ends_count(fields: dict[str, Any], row: dict[str, Any], counts: bool) -> None:
    runs = Runs()
    one = looker(runs, **fields)
    one.look_until_done()
    runs.end(1, NOW + timedelta(seconds=5), **row)
    assert len(one.look_until_done(NOW + timedelta(seconds=9))) == int(counts)


@pytest.mark.parametrize("hours", [0.5, 5, 24 * 30], ids=["half an hour", "hours", "a month"])
def test_an_end_that_is_listed_late_is_found(hours: float) -> None:
    """A process died at the very end of a run, or the clock was put back."""
    runs = Runs()
    one = looker(runs)
    one.look_until_done()
    later = NOW + timedelta(hours=hours)
    runs.end(1, later)
    assert len(one.look_until_done(later)) == 1
    runs.end(2, NOW + timedelta(minutes=1))
    assert len(one.look_until_done(later)) == 1
    assert one.look_until_done(later) == []


def test_a_trigger_that_is_turned_on_after_the_clock_was_put_back_begins_with_the_next_end() -> None:
    runs = Runs()
    runs.end(1, NOW + timedelta(days=2))
    one = looker(runs)
    assert one.look_until_done() == []
    runs.end(2, NOW + timedelta(minutes=1))
    assert len(one.look_until_done()) == 1


def test_a_trigger_that_was_turned_on_while_the_clock_was_years_ahead_finds_the_next_end() -> None:
    runs = Runs()
    runs.end(1, NOW)
    one = looker(runs)
    assert one.look_until_done(NOW + timedelta(days=3650)) == []
    runs.end(2, NOW + timedelta(minutes=1))
    assert len(one.look_until_done(NOW + timedelta(minutes=1))) == 1


def test_a_run_that_is_resumed_and_ends_again_counts_again() -> None:
    runs = Runs()
    one = looker(runs)
    one.look_until_done()
    runs.end(1, NOW + timedelta(minutes=1), status="failed")
    first = one.look_until_done(NOW + timedelta(minutes=1))
    runs.rows.clear()
    runs.end(1, NOW + timedelta(minutes=5))
    second = one.look_until_done(NOW + timedelta(minutes=5))
    assert [item.value["status"] for item in [*first, *second] if item.value] == ["failed", "succeeded"]


def test_more_ends_at_once_than_a_look_lists_are_all_found() -> None:
    runs = Runs()
    one = looker(runs)
    one.limit = 3
    one.look_until_done()
    for number in range(20):
        runs.end(number, NOW + timedelta(minutes=1))
    assert len(one.look_until_done(NOW + timedelta(minutes=1))) == 20
    assert one.look_until_done(NOW + timedelta(minutes=2)) == []


def test_what_ended_before_it_was_turned_on_is_old_unless_asked_for() -> None:
    runs = Runs()
    runs.end(1, NOW - timedelta(minutes=30))
    runs.end(2, NOW - timedelta(minutes=10))
    assert looker(runs).look_until_done() == []
    one = looker(runs, Start(since=NOW - timedelta(minutes=15)))
    assert len(one.look_until_done()) == 1
