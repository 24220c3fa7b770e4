"""The run document from events, and events from the document: what a log keeps is enough to go on."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from engine.base.clock import moment_of
from engine.base.step_path import is_item
from engine.orchestra import Orchestra
from engine.record.continuation import events_of
from engine.record.document import document
from tests.engine.conftest import OWNER, Run, Service, get_step, post_step, set_step, statuses
from tests.patience import PATIENCE_SECONDS

FAILING = {"id": "bad", "uses": "flow.assert", "with": {"condition": False, "message": "No."}}
OFF = {**set_step("off"), "if": False}
KEPT = ("succeeded", "skipped")


def loop(policy: str, *inner: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    check = {"id": "check", "uses": "flow.assert", "with": {"condition": "{{ item != 'b' }}"}}
    steps = [set_step("ran", {"v": "{{ item }}"}), *inner, check]
    return {
        "id": "each",
        "foreach": "{{ ['a', 'b', 'c'] }}",
        "key": "{{ item }}",
        "on_item_error": policy,
        "steps": steps,
        **more,
    }


def again(run: Any) -> Any:
    """What a run is taken for that goes on from this document."""
    return document(run, events_of(run))


NESTED = {
    "id": "outer",
    "foreach": "{{ ['x', 'y'] }}",
    "as": "word",
    "steps": [
        {"id": "group", "steps": [set_step("deep"), OFF]},
        {"id": "inner", "foreach": "{{ [1, 2] }}", "as": "n", "steps": [set_step("p", {"v": "{{ word }}{{ n }}"})]},
    ],
}
KINDS = [
    pytest.param([set_step("a"), {**OFF, "id": "b"}, set_step("c")], id="plain-and-skipped"),
    pytest.param([NESTED, set_step("z")], id="loops-in-loops"),
    pytest.param([loop("drop"), set_step("z")], id="dropped-item"),
    pytest.param([loop("continue"), set_step("z")], id="failed-item"),
    pytest.param([loop("stop"), set_step("z")], id="stopped-loop"),
    pytest.param([loop("stop", on_error="continue"), set_step("z")], id="loop-that-may-fail"),
    pytest.param([{**FAILING, "on_error": "continue"}, set_step("z")], id="continue"),
    pytest.param([{**FAILING, "on_error": {"steps": [set_step("plan_b")]}}, set_step("z")], id="fallback"),
    pytest.param(
        [{"id": "g", "steps": [FAILING], "on_error": {"steps": [{**OFF, "id": "none"}]}}, set_step("z")],
        id="fallback-without-output",
    ),
    pytest.param(
        [{"id": "g", "steps": [FAILING], "on_error": {"steps": [{**FAILING, "id": "worse"}]}}, set_step("z")],
        id="failed-fallback",
    ),
    pytest.param([{"id": "w", "uses": "flow.wait", "with": {"seconds": 0.01}}, set_step("z")], id="waited"),
    pytest.param([set_step("a"), {"id": "g", "steps": [set_step("b"), FAILING]}, set_step("z")], id="failed-group"),
]


@pytest.mark.parametrize("steps", KINDS)
def test_what_is_done_is_the_same_after_the_way_through_events(run: Run, steps: list[Mapping[str, Any]]) -> None:
    before = run(steps)
    after = again(before)
    assert [step["path"] for step in after["steps"]] == [step["path"] for step in before["steps"]]
    for old, new in zip(before["steps"], after["steps"], strict=True):
        if old["status"] == "cancelled":
            assert (new["status"], new["title"], new["uses"]) == ("pending", old["title"], old["uses"])
        else:
            assert new == old
    assert again(after)["steps"] == after["steps"]
    assert (after["started_at"], after["inputs"]) == (before["started_at"], before["inputs"])


@pytest.mark.parametrize("steps", KINDS)
def test_a_run_that_cannot_get_further_stays_as_it_is_when_resumed(
    run: Run, orchestra: Orchestra, steps: list[Mapping[str, Any]]
) -> None:
    before = run(steps)
    if before["status"] == "succeeded":
        return
    orchestra.runs.resume(OWNER, before["run_id"])
    after: Any = orchestra.runs.wait(OWNER, before["run_id"], PATIENCE_SECONDS)
    assert statuses(after) == statuses(before)
    assert after["error"]["message"] == before["error"]["message"]
    kept = [step for step in before["steps"] if step["status"] in KEPT or step.get("handled")]
    now = {step["path"]: step for step in after["steps"]}
    assert [now[step["path"]] for step in kept] == kept


def test_attempts_effects_and_calls_survive(run: Run, service: Service) -> None:
    service.answers = {"/r": [503]}
    retry = {"attempts": 2, "backoff_seconds": 0}
    before = run([get_step("r", service.url("/r"), retry=retry), post_step("w", service.url("/w")), FAILING])
    after = again(before)
    assert after["steps"][:2] == before["steps"][:2]
    assert [attempt["error"] is None for attempt in after["steps"][0]["attempts"]] == [False, True]
    assert after["steps"][1]["effect"]["outcome"] == "done"


def test_every_resumption_is_kept(run: Run, orchestra: Orchestra) -> None:
    run_id = run([FAILING])["run_id"]
    for _ in range(2):
        orchestra.runs.resume(OWNER, run_id)
        document_now = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert [one["by"] for one in document_now["resumed"]] == [OWNER.id, OWNER.id]


def test_a_cancelled_run_goes_on_with_what_was_open(run: Run, orchestra: Orchestra, service: Service) -> None:
    run_id = run([set_step("a"), {"id": "w", "uses": "flow.wait", "with": {"seconds": 900}}, set_step("z")])["run_id"]
    orchestra.runs.cancel(OWNER, run_id)
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while orchestra.runs.get(OWNER, run_id)["status"] != "cancelled":
        assert time.monotonic() < ends_at
        time.sleep(0.02)
    cancelled = orchestra.runs.get(OWNER, run_id)
    assert statuses(cancelled) == {"a": "succeeded", "w": "cancelled"}
    assert statuses(again(cancelled)) == {"a": "succeeded", "w": "pending"}
    orchestra.runs.resume(OWNER, run_id)
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "waiting"


def test_items_begin_with_their_first_step(run: Run, service: Service) -> None:
    service.seconds = {"/slow": 0.05}
    each = get_step("each", service.url("/slow"), foreach="{{ [1, 2] }}")
    items = [step for step in run([each])["steps"] if is_item(step["path"])]
    assert len(items) == 2
    assert all(item["started_at"] < item["ended_at"] for item in items)


def by_path(run: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {step["path"]: step for step in run["steps"]}


def test_a_step_that_was_not_run_names_what_it_would_have_called(run: Run, service: Service) -> None:
    off = get_step("off", service.url("/x"), **{"if": False})
    broken = get_step("broken", service.url("/x"), **{"if": "{{ 1 / size(run.id.substring(0, 0)) == 1 }}"})
    steps = by_path(run([off, broken]))
    assert (steps["off"]["status"], steps["broken"]["status"]) == ("skipped", "failed")
    assert {(step["uses"], step["connection"]) for step in steps.values()} == {("http.request", "web")}


def test_every_failed_step_has_its_attempts(run: Run, service: Service) -> None:
    service.answers = {"/w": [500], "/r": [404]}
    steps = [{**FAILING, "id": "check"}, get_step("r", service.url("/r")), post_step("w", service.url("/w"))]
    document_now = run([{**step, "on_error": "continue"} for step in steps])
    found = {step["id"]: [one["error"]["type"] for one in step["attempts"]] for step in document_now["steps"]}
    assert found == {"check": ["AssertionFailed"], "r": ["NotFound"], "w": ["Unavailable"]}
    assert by_path(again(document_now)) == by_path(document_now)


def test_an_error_names_the_file_of_the_workflow(run: Run, service: Service) -> None:
    service.answers = {"/x": [404]}
    document_now = run([get_step("x", service.url("/x"))])
    step = document_now["steps"][0]
    errors = [document_now["error"], step["error"], step["attempts"][0]["error"]]
    assert {error["file"] for error in errors} == {"workflows/work.json"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_only_a_write_may_have_done_something(run: Run, service: Service, method: str) -> None:
    service.answers = {"/x": [503]}
    step = get_step("x", service.url("/x"), retry={"attempts": 1})
    step["with"]["method"] = method
    failed = run([step])["steps"][0]
    outcomes = [failed["error"]["outcome"], failed["attempts"][0]["error"]["outcome"]]
    assert outcomes == (["not_done"] * 2 if method == "GET" else ["unknown"] * 2)


def test_the_log_file_tells_what_happened_too(run: Run, orchestra: Orchestra) -> None:
    document_now = run([set_step("a")])
    kept = json.loads(next(orchestra.workspace.logs.glob(f"*/{document_now['run_id']}.json")).read_text())
    assert kept["sentence"] == document_now["sentence"] == "Done: 1 step done."


def test_only_an_output_of_its_own_is_written_down_with_a_group(run: Run) -> None:
    inner = [set_step("a", {"v": 1})]
    own = {"id": "own", "steps": inner, "output": "{{ steps.a.output.v + 1 }}"}
    plain = {"id": "plain", "steps": [set_step("b")]}
    each = {"id": "each", "foreach": "{{ [1] }}", "steps": [set_step("c")], "output": "{{ steps.c.output }}"}
    document_now = run([own, plain, each, FAILING])
    outputs = {path: step["output"] for path, step in by_path(document_now).items() if path in ("own", "plain", "each")}
    assert outputs == {"own": 2, "plain": None, "each": None}
    assert again(document_now)["steps"] == document_now["steps"]


def test_the_output_of_a_group_is_there_when_the_run_goes_on(run: Run, orchestra: Orchestra, service: Service) -> None:
    service.answers = {"/x": [404]}
    own = {"id": "own", "steps": [set_step("a", {"v": 1})], "output": {"sum": "{{ steps.a.output.v + 1 }}"}}
    outputs = {"sum": "{{ steps.own.output.sum }}"}
    run_id = run([own, get_step("x", service.url("/x"))], outputs=outputs)["run_id"]
    orchestra.runs.resume(OWNER, run_id)
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["outputs"] == {"sum": 2}


def test_the_list_tells_what_a_waiting_run_has_done(run: Run, orchestra: Orchestra) -> None:
    run([set_step("a"), {"id": "w", "uses": "flow.wait", "with": {"seconds": 900}}])
    row = orchestra.runs.list(OWNER).rows[0]
    assert (row.status, row.sentence, row.counts["steps"]) == ("waiting", "Waiting: 1 step done.", 1)


def test_each_attempt_is_told_with_the_time_when_it_began(run: Run, service: Service) -> None:
    service.answers = {"/busy": [503, 503]}
    made = run([get_step("r", service.url("/busy"), retry={"attempts": 3, "backoff_seconds": 0.3})])
    attempts = made["steps"][0]["attempts"]
    assert [attempt["error"] is None for attempt in attempts] == [False, False, True]
    for before, after in pairwise(attempts):
        pause = moment_of(after["started_at"]) - moment_of(before["ended_at"])
        assert pause.total_seconds() >= 0.29
    assert again(made)["steps"][0]["attempts"] == attempts


def test_what_a_fallback_gave_is_no_attempt_of_the_step_that_failed(run: Run) -> None:
    made = run([{**FAILING, "on_error": {"steps": [set_step("plan_b")]}}])
    bad, plan_b = made["steps"]
    assert (bad["status"], [attempt["error"]["message"] for attempt in bad["attempts"]]) == ("succeeded", ["No."])
    assert [attempt["error"] for attempt in plan_b["attempts"]] == [None]
    assert again(made)["steps"][0]["attempts"] == bad["attempts"]
