"""The run document from events, and events from the document: what a log keeps is enough to go on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest

from engine.orchestra import Orchestra
from engine.runs.document import document, events_of, is_item
from tests.engine.conftest import OWNER, Run, Service, get_step, post_step, set_step, statuses

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


def again(run: Mapping[str, Any]) -> dict[str, Any]:
    """What a run is taken for that goes on from this document."""
    return document({**run, "accounts": run["accounts"]}, events_of(run))


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
    after = orchestra.runs.wait(OWNER, before["run_id"], 20)
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
        document_now = orchestra.runs.wait(OWNER, run_id, 20)
    assert [one["by"] for one in document_now["resumed"]] == [OWNER.id, OWNER.id]


def test_a_cancelled_run_goes_on_with_what_was_open(run: Run, orchestra: Orchestra, service: Service) -> None:
    run_id = run([set_step("a"), {"id": "w", "uses": "flow.wait", "with": {"seconds": 900}}, set_step("z")])["run_id"]
    orchestra.runs.cancel(OWNER, run_id)
    ends_at = time.monotonic() + 20
    while orchestra.runs.get(OWNER, run_id)["status"] != "cancelled":
        assert time.monotonic() < ends_at
        time.sleep(0.02)
    cancelled = orchestra.runs.get(OWNER, run_id)
    assert statuses(cancelled) == {"a": "succeeded", "w": "cancelled"}
    assert statuses(again(cancelled)) == {"a": "succeeded", "w": "pending"}
    orchestra.runs.resume(OWNER, run_id)
    assert orchestra.runs.wait(OWNER, run_id, 20)["status"] == "waiting"


def test_items_begin_with_their_first_step(run: Run, service: Service) -> None:
    service.seconds = {"/slow": 0.05}
    each = get_step("each", service.url("/slow"), foreach="{{ [1, 2] }}")
    items = [step for step in run([each])["steps"] if is_item(step)]
    assert len(items) == 2
    assert all(item["started_at"] < item["ended_at"] for item in items)
