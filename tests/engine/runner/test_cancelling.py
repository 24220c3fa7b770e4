"""Cancelling: reads are abandoned at once, a write in flight is waited for, and both are told."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.orchestra import Orchestra
from engine.runner.worker.execution import Execution
from tests.engine.conftest import OWNER, Service, get_step, post_step, set_step, statuses, write_workflow
from tests.patience import PATIENCE_SECONDS, until


def _cancelled(orchestra: Orchestra, run_id: str) -> float:
    """Cancel a run and return how long it took until it had ended."""
    began = time.monotonic()
    orchestra.runs.cancel(OWNER, run_id)
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "cancelled"
    return time.monotonic() - began


HANGING = [
    pytest.param(lambda step: [step], id="a step"),
    pytest.param(lambda step: [{"id": "g", "steps": [step]}], id="in a group"),
    pytest.param(
        lambda step: [{"id": "each", "foreach": "{{ [1, 2, 3] }}", "parallel": 3, "steps": [step]}], id="in a loop"
    ),
    pytest.param(lambda step: [{**step, "needs": []}, set_step("b", needs=[])], id="beside another"),
]


@pytest.mark.parametrize("steps", HANGING)
def test_a_read_that_hangs_is_abandoned_within_two_seconds(
    orchestra: Orchestra, root: Path, service: Service, steps: Any
) -> None:
    service.seconds = {"/slow": 30}
    write_workflow(root, "work", [*steps(get_step("r", service.url("/slow"))), set_step("after")])
    run_id = orchestra.runs.start(OWNER, "work", {})
    until(lambda: service.seen["/slow"] >= 1)
    assert _cancelled(orchestra, run_id) < 2  # the promise of the product, not a guess of ours
    assert "after" not in statuses(orchestra.runs.get(OWNER, run_id))


def test_a_pause_between_attempts_is_broken_off(orchestra: Orchestra, root: Path, service: Service) -> None:
    service.answers = {"/busy": [503] * 5}
    step = get_step("r", service.url("/busy"), retry={"attempts": 5, "backoff_seconds": 30})
    write_workflow(root, "work", [step])
    run_id = orchestra.runs.start(OWNER, "work", {})
    until(lambda: service.seen["/busy"] == 1)
    assert _cancelled(orchestra, run_id) < 2


def test_a_write_in_flight_is_told_and_waited_for(orchestra: Orchestra, root: Path, service: Service) -> None:
    service.seconds = {"/slow": 1.5}
    write_workflow(root, "work", [post_step("w", service.url("/slow"), once="one", timeout_seconds=20), set_step("b")])
    run_id = orchestra.runs.start(OWNER, "work", {})
    until(lambda: service.seen["/slow"] == 1)
    before = orchestra.runs.get(OWNER, run_id)
    assert "cancel_requested" not in before
    assert orchestra.runs.cancel(OWNER, run_id) == 30.0  # its deadline, and what comes after it
    during = orchestra.runs.get(OWNER, run_id)
    assert (during["status"], during["cancel_requested"]) == ("running", True)
    assert during["sentence"] == "Cancelling: one write is ending."
    assert orchestra.runs.list(OWNER).rows[0].sentence == "Cancelling: one write is ending."
    ended = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert (ended["status"], "cancel_requested" in ended) == ("cancelled", False)
    assert ended["sentence"] != during["sentence"]
    assert statuses(ended) == {"w": "cancelled"}
    assert _told_of_write(ended) == ("done", False, 1)
    assert ended["sentence"] == "Cancelled: 0 steps done. 1 write on the way was made all the same."
    again: Any = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "work", {}), PATIENCE_SECONDS)
    assert again["steps"][0]["effect"]["reused"] is True
    assert service.seen["/slow"] == 1


@pytest.mark.parametrize("how", ["cancelled", "out of time"])
def test_a_write_that_still_stands_in_line_is_not_sent_any_more(root: Path, service: Service, how: str) -> None:
    with (root / "config.yaml").open("a") as config:
        config.write("limits: {calls_at_once: 1}\n")
    service.seconds = {"/slow": 4}
    write_workflow(root, "slow", [get_step("r", service.url("/slow"))])
    write = post_step("w", service.url("/write"), once="one")
    limit = {"timeout_seconds": 0.5} if how == "out of time" else {}
    write_workflow(root, "work", [{"id": "g", "steps": [write], **limit}])
    with closing(Orchestra.open(root)) as orchestra:
        slow = orchestra.runs.start(OWNER, "slow", {})
        until(lambda: service.seen["/slow"] == 1)
        run_id = orchestra.runs.start(OWNER, "work", {})
        until(lambda: statuses(orchestra.runs.get(OWNER, run_id)).get("g.w") is not None)
        if how == "cancelled":
            assert _cancelled(orchestra, run_id) < 2
        ended = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
        assert (statuses(ended)["g.w"], ended["counts"]["new_effects"]) == ("cancelled", 0)
        orchestra.runs.wait(OWNER, slow, PATIENCE_SECONDS)
        assert orchestra.runs.get(OWNER, slow)["status"] == "succeeded"
        assert service.seen["/write"] == 0
        again = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "work", {}), PATIENCE_SECONDS)
        assert (again["status"], again["counts"]["new_effects"], service.seen["/write"]) == ("succeeded", 1, 1)


def _told_of_write(run: Mapping[str, Any]) -> tuple[str, bool, int]:
    """Return what a log tells of the write of its step `w`: its outcome, whether it was reused, all new effects."""
    effect = next(step["effect"] for step in run["steps"] if step["id"] == "w")
    assert effect["receipt"]
    return effect["outcome"], effect["reused"], run["counts"]["new_effects"]


def test_a_write_that_outlives_the_time_of_its_group_is_told(
    orchestra: Orchestra, root: Path, service: Service
) -> None:
    service.seconds = {"/slow": 1.5}
    step = post_step("w", service.url("/slow"), timeout_seconds=20)
    write_workflow(root, "work", [{"id": "g", "timeout_seconds": 0.5, "on_error": "continue", "steps": [step]}])
    ended = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "work", {}), PATIENCE_SECONDS)
    assert statuses(ended) == {"g": "failed", "g.w": "cancelled"}
    assert _told_of_write(ended) == ("done", False, 1)


def test_only_writes_that_are_on_their_way_are_counted(orchestra: Orchestra, root: Path, service: Service) -> None:
    """Four writes to one target: one is sent, the others stand in line and are never made."""
    service.seconds = {"/slow": 1.5}
    step = post_step("w", service.url("/slow"), foreach="{{ [1, 2, 3, 4] }}", parallel=4)
    write_workflow(root, "work", [step])
    run_id = orchestra.runs.start(OWNER, "work", {})
    until(lambda: service.seen["/slow"] == 1)
    orchestra.runs.cancel(OWNER, run_id)
    assert orchestra.runs.get(OWNER, run_id)["sentence"] == "Cancelling: one write is ending."
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "cancelled"
    assert service.seen["/slow"] == 1


def test_a_write_of_a_called_run_is_told_too(orchestra: Orchestra, root: Path, service: Service) -> None:
    service.seconds = {"/slow": 1.5}
    write_workflow(root, "inner", [post_step("w", service.url("/slow"))])
    write_workflow(root, "work", [{"id": "call", "uses": "workflow.run", "with": {"workflow": "inner"}}])
    run_id = orchestra.runs.start(OWNER, "work", {})
    until(lambda: service.seen["/slow"] == 1)
    orchestra.runs.cancel(OWNER, run_id)
    assert orchestra.runs.get(OWNER, run_id)["sentence"] == "Cancelling: one write is ending."
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "cancelled"


def test_a_run_that_is_cancelled_while_it_is_put_away_ends_at_once(
    orchestra: Orchestra, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end, put_away = threading.Event(), threading.Event(), Execution._put_away

    async def slow(self: Execution) -> None:
        begun.set()
        await asyncio.to_thread(may_end.wait, PATIENCE_SECONDS)
        await put_away(self)

    monkeypatch.setattr(Execution, "_put_away", slow)
    write_workflow(root, "work", [{"id": "wait", "uses": "flow.wait", "with": {"seconds": 3600}}])
    run_id = orchestra.runs.start(OWNER, "work", {})
    assert begun.wait(PATIENCE_SECONDS)
    orchestra.runs.cancel(OWNER, run_id)
    threading.Timer(0.05, may_end.set).start()
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "cancelled"
