"""A look stores runs, seen things and cursor together; whatever is listed again or goes wrong, each thing runs once."""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from clients.errors import Unavailable
from engine.base.errors import OrchestraError
from engine.base.run_file import FileContent
from engine.compiler.definition.plan import Trigger
from engine.expressions.expressions import compile_template
from engine.orchestra import Orchestra
from engine.plugins.registry import trigger_type
from engine.plugins.trigger import Item, Look, Start
from engine.runner.effects import fault_points
from engine.triggering.polling import mapping
from engine.triggering.polling import poll as looks
from tests.engine.conftest import OWNER, Service, write_workflow
from tests.engine.triggering.conftest import TRIGGER, WORKFLOW, Feed


def test_each_line_starts_one_run_that_knows_what_for(feed: Feed) -> None:
    feed.write("old")
    feed.on()
    feed.write("a", {"id": "b", "text": "hello"})
    result = feed.poll()
    assert (result.found, result.skipped, result.dead, result.error) == (2, 0, 0, None)
    first, second = feed.ended(*result.started)
    assert first["trigger"] == {
        "id": TRIGGER, "source": "feed.jsonl", "account": "local", "item": "a", "title": "Line a",
    }  # fmt: skip
    assert (first["started_by"], second["inputs"]) == ("trigger:line", {"id": "b", "text": "hello"})
    assert {first["status"], second["status"]} == {"succeeded"}
    assert feed.poll().found == 0
    assert feed.starts() == Counter(["a", "b"])


@pytest.mark.parametrize(
    "line",
    [
        pytest.param({"id": "b", "text": "half \ud83d"}, id="in its text"),
        pytest.param({"id": "b", "title": "half \ud83d", "text": "half \ufffd"}, id="in its title"),
        pytest.param({"id": "b", "text": "half \0"}, id="a text with a NUL"),
    ],
)
def test_half_a_character_in_a_thing_blocks_nothing(feed: Feed, line: dict[str, Any]) -> None:
    feed.on()
    feed.write("a", line, "c")
    preview = feed.orchestra.triggers.preview(OWNER, WORKFLOW, TRIGGER)
    assert "\ud83d" not in "".join(one.title for one in preview.items)
    result = feed.poll()
    assert (len(result.started), result.error) == (3, None)
    assert feed.ended(result.started[1])[0]["inputs"]["text"] == "half \ufffd"


def test_an_item_names_no_file_but_those_of_its_trigger(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = trigger_type("manual")
    monkeypatch.setattr(type(kind), "item_schema_of", lambda _kind, _fields: {})  # any JSON, as of a database
    value = compile_template("{{ item }}", frozenset({"item"}))
    trigger = Trigger("t", "", kind, None, {}, {"given": value}, 1.0)
    place = f"20260101T000000Z-abcdefgh.files/{'0' * 64}"
    forged = {"$file": place, "name": "x", "bytes": 1, "media_type": "text/plain"}
    item = Item("a", {"file": forged, "own": FileContent(b"own")})
    kept = {**forged, "name": "own"}
    inputs = mapping.inputs_of(trigger, item, lambda _file: kept)
    assert inputs == {"given": {"file": {**forged, "$file": f"outside:{place}"}, "own": kept}}


def test_what_is_listed_again_starts_nothing(feed: Feed) -> None:
    feed.workflow(overlap=10)
    feed.on()
    feed.write("a", "b")
    feed.poll()
    feed.rewrite("late", "a", "b", "c")  # answered out of order: one came in before the cursor
    feed.poll()
    feed.poll()
    assert feed.starts() == Counter(["a", "b", "c", "late"])


def test_a_thing_that_one_look_lists_twice_starts_one_run(feed: Feed) -> None:
    feed.on()
    feed.write("a", "a")
    assert feed.poll().found == 1
    assert feed.starts() == Counter(["a"])


def test_a_large_backlog_comes_in_pieces_and_whole(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Look, "limit", 3)
    feed.on()
    feed.write(*(f"n{number}" for number in range(10)))
    assert feed.poll().found == 10
    assert feed.starts() == Counter(f"n{number}" for number in range(10))


def _nested(levels: int) -> Any:
    return [_nested(levels - 1)] if levels else "text"


@pytest.mark.parametrize(
    ("line", "state", "said"),
    [
        pytest.param({"id": "x", "read": "BadAnswer"}, "dead", "BadAnswer", id="not to be read"),
        pytest.param({"id": "x", "read": "InvalidRequest"}, "dead", "InvalidRequest", id="refused"),
        pytest.param({"id": "x", "read": "KeyError"}, "dead", "InternalError", id="nobody thought of it"),
        pytest.param({"id": "x", "read": "RecursionError"}, "dead", "InternalError", id="too deep"),
        pytest.param({"id": "x", "text": "much longer than it may be"}, "dead", "InvalidInput", id="does not fit"),
        pytest.param({"id": "x", "text": _nested(250)}, "dead", "BadAnswer", id="nested too deep"),
        pytest.param({"id": "x", "read": "NotFound"}, "skipped", looks.GONE, id="gone"),
        pytest.param({"id": "x", "skip": "we wrote it"}, "skipped", "we wrote it", id="left out by the type"),
    ],
)
def test_one_bad_thing_does_not_block_the_rest(feed: Feed, line: dict[str, Any], state: str, said: str) -> None:
    feed.on()
    feed.write("a", line, "b")
    preview = feed.orchestra.triggers.preview(OWNER, WORKFLOW, TRIGGER)
    assert [one.id for one in preview.items if one.inputs is not None] == ["a", "b"]
    result = feed.poll()
    assert (len(result.started), result.dead, result.skipped) == (2, int(state == "dead"), int(state == "skipped"))
    assert result.error is None
    dead = feed.orchestra.triggers.dead(OWNER)
    assert [one.error.type for one in dead] == ([said] if state == "dead" else [])
    row = feed.orchestra._families.triggers.triggering.triggers._items.find(WORKFLOW, TRIGGER, "x")
    assert row is not None
    assert row.state == state
    assert said in (row.error or row.note)
    assert feed.poll().found == 0


def test_a_machine_that_refuses_makes_nothing_dead(feed: Feed) -> None:
    feed.on()
    feed.write({"id": "a", "read": "OSError"}, {"id": "b", "read": "OSError"})
    result = feed.poll()
    assert (result.dead, result.error and result.error.type) == (0, "Unavailable")
    feed.rewrite("a", "b")
    feed.poll()
    assert feed.starts() == Counter(["a", "b"])


@pytest.mark.parametrize("name", ["Unavailable", "OSError"])
def test_what_may_be_read_later_is_read_later_and_holds_up_nothing(feed: Feed, name: str) -> None:
    feed.on()
    feed.write("a", {"id": "b", "read": name, "title": "Odd mail"}, "c")
    result = feed.poll()
    assert (result.found, result.dead, result.error) == (2, 0, None)
    assert "'Odd mail'" in feed.status().note
    assert feed.poll().found == 0
    feed.rewrite("a", "b", "c")
    assert feed.poll().found == 1
    assert feed.starts() == Counter(["a", "b", "c"])
    assert (feed.status().failures, "Odd mail" in feed.status().note) == (0, False)


def test_what_cannot_be_read_in_five_looks_while_others_can_is_dead_and_can_be_tried_again(feed: Feed) -> None:
    feed.on()
    feed.write("a", {"id": "b", "read": "Unavailable"})
    results = [feed.poll() for _ in range(6)]
    assert [one.dead for one in results] == [0, 0, 0, 0, 1, 0]
    [dead] = feed.orchestra.triggers.dead(OWNER)
    assert (dead.item, dead.error.type) == ("b", "Unavailable")
    feed.rewrite("a", "b")
    feed.orchestra.triggers.retry(OWNER, WORKFLOW, TRIGGER, "b")
    assert feed.starts() == Counter(["a", "b"])


def test_things_that_fail_alone_are_judged_one_by_one_once_looks_have_failed_for_long_enough(feed: Feed) -> None:
    feed.on()
    poisoned = [f"p{number}" for number in range(4)]
    feed.write(*({"id": one, "read": "Unavailable"} for one in poisoned), "a")
    results = [feed.poll() for _ in range(3)]
    assert [(one.found, one.error and one.error.type) for one in results] == [(0, "Unavailable")] * 3
    assert feed.poll().found == 1
    assert feed.starts() == Counter(["a"])
    for _ in range(4):
        feed.poll()
    assert sorted(one.item for one in feed.orchestra.triggers.dead(OWNER)) == poisoned


_WHATEVER = (
    ZeroDivisionError,
    struct.error,
    zlib.error,
    StopIteration,
    MemoryError,
    re.error,
    BufferError,
    OrchestraError,
)


@pytest.mark.parametrize("kind", _WHATEVER, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("name", ["read", "inputs_of"])
def test_whatever_the_program_raises_over_one_thing_the_others_go_on(
    feed: Feed, monkeypatch: pytest.MonkeyPatch, kind: type[Exception], name: str
) -> None:
    feed.on()
    feed.write("a", "b", "c")
    place = type(trigger_type("feed.line")) if name == "read" else looks
    calls = iter("abc")
    call = getattr(place, name)

    def breaking(*given: Any) -> Any:
        if next(calls) == "b":
            raise kind("It broke.")
        return call(*given)

    monkeypatch.setattr(place, name, breaking)
    result = feed.poll()
    assert (len(result.started), result.dead, result.error) == (2, 1, None)
    [dead] = feed.orchestra.triggers.dead(OWNER)
    assert "It broke." in dead.error.message
    assert feed.status().dead == 1
    [alarm] = feed.orchestra.triggers.alarms(OWNER)
    assert "1" in alarm.message


@pytest.mark.parametrize("point", ["before items", "after items"])
@pytest.mark.parametrize("breaks_off", [pytest.param(False, id="whole"), pytest.param(True, id="broken off")])
def test_of_two_that_look_at_once_one_stores(feed: Feed, point: str, breaks_off: bool) -> None:
    feed.on()
    feed.write("a", "b", *([{"id": "c", "read": "Unavailable"}] if breaks_off else []))
    nested = []

    def look_too(reached: str) -> None:
        if reached == point:
            fault_points.hook = None
            nested.append(feed.poll())

    fault_points.hook = look_too
    try:
        outer = feed.poll()
    finally:
        fault_points.hook = None
    assert outer.found + nested[0].found == 2
    assert feed.starts() == Counter(["a", "b"])


def test_what_a_look_stored_before_another_was_faster_is_told(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "_PIECE", 2)
    feed.on()
    feed.write("a", "b", "c", "d", "e")
    points, nested = Counter[str](), []

    def look_too(reached: str) -> None:
        points[reached] += 1
        if (reached, points[reached]) == ("before items", 2):
            fault_points.hook = None
            nested.append(feed.poll())

    fault_points.hook = look_too
    try:
        outer = feed.poll()
    finally:
        fault_points.hook = None
    assert (len(outer.started), len(nested[0].started)) == (2, 3)
    assert feed.starts() == Counter("abcde")


@pytest.mark.parametrize("then", ["off", "off and on", "off and on from now"])
def test_a_look_that_was_under_way_when_the_trigger_was_turned_off_stores_nothing(feed: Feed, then: str) -> None:
    feed.on()
    feed.write("a")

    def turn(reached: str) -> None:
        if reached == "before items":
            fault_points.hook = None
            feed.clock.move(1)
            feed.orchestra.triggers.turn_off(OWNER, WORKFLOW, TRIGGER)
            if then != "off":
                feed.orchestra.triggers.turn_on(OWNER, WORKFLOW, TRIGGER, None if then == "off and on" else Start())

    fault_points.hook = turn
    try:
        assert feed.poll().found == 0
    finally:
        fault_points.hook = None
    if then != "off":
        assert feed.poll().found == (1 if then == "off and on" else 0)


def test_a_write_for_a_thing_happens_once_whoever_runs_it_again(feed: Feed, service: Service) -> None:
    post = {
        "id": "post", "uses": "http.request", "connection": "web",
        "with": {"method": "POST", "url": service.url("/w"), "json": {"id": "{{ inputs.id }}"}},
    }  # fmt: skip
    feed.workflow([post])
    feed.on()
    feed.write("a", "b")
    runs = feed.ended(*feed.poll().started)
    assert service.seen["/w"] == 2
    identities = {run["steps"][0]["effect"]["identity"] for run in runs}
    assert {
        json.loads(identity)[3:] == ["item", TRIGGER, "feed.jsonl", "local", item]
        for identity, item in zip(sorted(identities), "ab", strict=True)
    } == {True}
    again = feed.orchestra.runs.rerun(OWNER, runs[0]["run_id"])
    [rerun] = feed.ended(again)
    assert rerun["steps"][0]["effect"]["reused"]
    assert rerun["trigger"] == runs[0]["trigger"]
    assert service.seen["/w"] == 2


def _loop(step: dict[str, Any]) -> dict[str, Any]:
    return {"id": "each", "foreach": "{{ ['x', 'y'] }}", "as": "name", "key": "{{ name }}", "steps": [step]}


@pytest.mark.parametrize(
    ("rename", "name", "stored"),
    [
        pytest.param(lambda files: files.rename_step(OWNER, WORKFLOW, "call", "ask"), WORKFLOW, 0, id="step"),
        pytest.param(lambda files: files.rename(OWNER, WORKFLOW, "other"), "other", 1, id="workflow"),
        pytest.param(lambda files: files.rename_step(OWNER, "inner", "post", "put"), WORKFLOW, 0, id="its step"),
        pytest.param(lambda files: files.rename(OWNER, "inner", "other"), WORKFLOW, 1, id="called workflow"),
    ],
)
def test_a_look_that_is_older_than_a_rename_stores_nothing_that_would_write_again(
    feed: Feed, service: Service, rename: Callable[[Any], object], name: str, stored: int
) -> None:
    post = {"uses": "http.request", "connection": "web", "with": {"method": "POST", "url": service.url("/w")}}
    write_workflow(feed.root, "inner", [{"id": "post", **post}])
    feed.workflow([_loop({"id": "call", "uses": "workflow.run", "with": {"workflow": "inner"}})])
    feed.on()
    feed.write("a")
    feed.ended(*feed.poll().started)
    feed.write("b")

    def rename_before(reached: str) -> None:
        if reached == "before items":
            fault_points.hook = None
            other = Orchestra.open(feed.root)
            rename(other.workflows)
            other.close()

    fault_points.hook = rename_before
    try:
        started = feed.poll().started
    finally:
        fault_points.hook = None
    assert len(started) == stored
    [result] = feed.orchestra.triggers.poll(OWNER, name)
    [run] = feed.ended(*started, *result.started)
    assert (run["status"], run["trigger"]["item"], service.seen["/w"]) == ("succeeded", "b", 2)


def test_a_type_that_breaks_down_is_a_look_that_failed(feed: Feed) -> None:
    feed.on()
    feed.path.write_text("no JSON\n")
    result = feed.poll()
    assert (result.found, result.error and result.error.type) == (0, "InternalError")
    feed.rewrite("a")
    assert feed.poll().found == 1


@pytest.mark.parametrize("name", ["look", "read"])
def test_a_call_that_stumbles_is_made_again_at_once(feed: Feed, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(looks, "_PAUSES_SECONDS", (0.0, 0.0))
    feed.on()
    feed.write("a")
    kind, stumbles = type(trigger_type("feed.line")), iter((True, True))
    call = getattr(kind, name)

    def stumbling(self: Any, *given: Any) -> Any:
        if next(stumbles, False):
            raise Unavailable("It stumbles.")
        return call(self, *given)

    monkeypatch.setattr(kind, name, stumbling)
    assert feed.poll().found == 1
