"""The serving process watches by itself; others ask it to look."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from clients.errors import NotFound
from engine.base.clock import moment_of, timestamp, utc_now
from engine.orchestra import Orchestra
from engine.plugins.registry import trigger_type
from engine.plugins.trigger import Found, Look, Start
from engine.triggering import poll_now as asking
from engine.triggering.scheduler import Scheduler
from tests.engine.conftest import OWNER, write_workflow
from tests.engine.triggering.conftest import INPUTS, TRIGGER, WORKFLOW, Feed
from tests.patience import PATIENCE_SECONDS, until


@pytest.fixture
def served(feed: Feed) -> Feed:
    """The workspace served, in real time; the trigger looks every second."""
    feed.orchestra.close()
    document = json.loads((feed.root / "workflows" / f"{WORKFLOW}.json").read_text())
    document["triggers"][0]["poll_seconds"] = 1
    (feed.root / "workflows" / f"{WORKFLOW}.json").write_text(json.dumps(document))
    feed.orchestra = Orchestra.open(feed.root, serve=True)
    feed.clock.now = utc_now()
    return feed


def items(feed: Feed) -> Counter[str]:
    rows = feed.orchestra.runs.list(OWNER, trigger=TRIGGER, limit=200).rows
    documents: Any = [feed.orchestra.runs.get(OWNER, row.run_id) for row in rows if row.status == "succeeded"]
    return Counter(run["trigger"]["item"] for run in documents)


def test_what_comes_starts_runs_by_itself_until_it_is_turned_off(served: Feed) -> None:
    served.on()
    served.write("a", "b")
    until(lambda: items(served) == Counter(["a", "b"]))
    served.orchestra.triggers.turn_off(OWNER, WORKFLOW, TRIGGER)
    looked_at = served.status().looked_at
    served.write("c")
    time.sleep(1.5)
    assert (items(served), served.status().looked_at) == (Counter(["a", "b"]), looked_at)


def test_what_came_while_nobody_served_is_found(served: Feed) -> None:
    served.on()
    served.orchestra.close()
    served.write("a", "b")
    served.orchestra = Orchestra.open(served.root, serve=True)
    until(lambda: items(served) == Counter(["a", "b"]))


def test_a_clock_that_was_years_ahead_and_is_put_right_does_not_stop_it(feed: Feed) -> None:
    right = feed.clock()
    feed.clock.move(2000 * 86_400)
    feed.on()
    feed.clock.now = right
    machinery = feed.orchestra._families.triggers.triggering
    watch = Scheduler(machinery._rows, feed.database, machinery._polls, feed.clock, lambda: None)
    feed.write("a")
    watch._begin_looks()
    until(lambda: not watch._busy)
    assert feed.starts() == Counter(["a"])
    look_again_at = feed.status().look_again_at
    assert look_again_at is not None
    assert moment_of(look_again_at) == moment_of(timestamp(right + timedelta(seconds=60)))


def test_another_process_asks_the_one_that_serves(served: Feed) -> None:
    served.on()
    other = Orchestra.open(served.root)
    try:
        served.write("a")
        [result] = other.triggers.poll(OWNER)
        assert (result.error, len(result.started) <= 1) == (None, True)
        until(lambda: items(served) == Counter(["a"]))
        row = other._families.work.worker.rows.get(served.orchestra.runs.list(OWNER, trigger=TRIGGER).rows[0].run_id)
        assert row is not None
    finally:
        other.close()
    assert served.status().items == 1


def test_a_server_that_does_not_answer_is_told(served: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    served.on()
    monkeypatch.setattr(asking, "_PATIENCE_SECONDS", 0.3)
    served.orchestra._families.triggers.triggering._scheduler._stopped.set()  # type: ignore[union-attr]
    served.orchestra._families.triggers.triggering._scheduler._thread.join()  # type: ignore[union-attr]
    result = served.poll()
    assert result.error is not None
    assert result.error.type == "Timeout"


def test_a_service_that_is_slow_holds_up_no_other(served: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    (served.root / "slow.jsonl").touch()
    slow = {"id": TRIGGER, "uses": "feed.line", "poll_seconds": 1, "with": {"path": "slow.jsonl"}}
    mapping = {"id": "{{ item.id }}"}
    step = {"id": "a", "uses": "flow.set", "with": {"values": {"id": "{{ inputs.id }}"}}}
    write_workflow(served.root, "slow", [step], inputs=INPUTS, triggers=[{**slow, "inputs": mapping}])
    is_released, has_begun = threading.Event(), threading.Event()
    look = type(trigger_type("feed.line")).look

    def slow_look(self: Any, made: Look) -> Found:
        if made.fields.path == "slow.jsonl" and made.cursor is not None:
            has_begun.set()
            is_released.wait(PATIENCE_SECONDS)
            raise NotFound("It was too slow.")
        return look(self, made)

    monkeypatch.setattr(type(trigger_type("feed.line")), "look", slow_look)
    (served.root / "slow.jsonl").write_text('{"id": "old"}\n')
    served.orchestra.triggers.turn_on(OWNER, "slow", TRIGGER, Start(last=1))
    served.on()
    assert has_begun.wait(PATIENCE_SECONDS)
    served.write("a")
    until(lambda: items(served) == Counter(["a"]))
    is_released.set()
    until(lambda: served.orchestra.triggers.status(OWNER, "slow", TRIGGER).failures)


def test_a_poll_that_lasts_too_long_is_logged_once(
    feed: Feed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    feed.on()
    feed.clock.move(3_600)
    machinery = feed.orchestra._families.triggers.triggering
    watch = Scheduler(machinery._rows, feed.database, machinery._polls, feed.clock, lambda: None)
    is_released, kind = threading.Event(), type(trigger_type("feed.line"))
    look = kind.look

    def slow_look(self: Any, made: Look) -> Found:
        is_released.wait(PATIENCE_SECONDS)
        return look(self, made)

    monkeypatch.setattr(kind, "look", slow_look)
    watch._begin_looks()
    watch._log_long_polls()
    assert "has lasted" not in caplog.text
    monkeypatch.setattr("engine.triggering.scheduler._LONG_SECONDS", 0.0)
    watch._log_long_polls()
    watch._log_long_polls()
    assert caplog.text.count(f"The poll of the trigger {TRIGGER}") == 1
    is_released.set()
    until(lambda: not watch._busy)
    assert watch._began_at == {}


def test_a_server_that_stops_leaves_a_look_that_is_under_way_undone(served: Feed, monkeypatch: Any) -> None:
    served.on()
    has_begun, root = threading.Event(), Path(served.root)
    kind = type(trigger_type("feed.line"))
    read = kind.read

    def slow_read(self: Any, made: Look, item: Any) -> Any:
        has_begun.set()
        time.sleep(0.3)
        return read(self, made, item)

    monkeypatch.setattr(kind, "read", slow_read)
    served.write(*(f"n{number}" for number in range(6)))
    assert has_begun.wait(PATIENCE_SECONDS)
    served.orchestra.close()
    monkeypatch.setattr(kind, "read", read)
    served.orchestra = Orchestra.open(root, serve=True)
    until(lambda: items(served) == Counter(f"n{number}" for number in range(6)))
    assert served.status().error is None
