"""Steps that ask a person, fail, end the run or call another workflow, and the steps for a run's failure."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InUse, NotAllowed
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.runner.worker.worker import Worker
from tests.engine.conftest import OWNER, Run, Service, get_step, post_step, set_step, statuses, write_workflow
from tests.patience import PATIENCE_SECONDS, until

ASK = {"id": "ask", "uses": "flow.approve", "with": {"message": "Send it?", "details": {"to": "mia"}}}


def _call(step_id: str, workflow: str, inputs: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"id": step_id, "uses": "workflow.run", "with": {"workflow": workflow, "inputs": inputs or {}}, **more}


def _children(orchestra: Orchestra, document: Mapping[str, Any]) -> list[Any]:
    ids = [step["child_run_id"] for step in document["steps"] if step.get("child_run_id")]
    return [orchestra.runs.get(OWNER, run_id) for run_id in ids]


# --- fail and stop


def test_fail_fails_with_its_message_and_on_error_applies(run: Run) -> None:
    fail = {"id": "no", "uses": "flow.fail", "with": {"message": "Not today"}}
    document = run([fail, set_step("after")])
    assert (document["status"], document["error"]["type"]) == ("failed", "AssertionFailed")
    assert document["error"]["message"] == "Not today"
    document = run([{**fail, "on_error": "continue"}, set_step("after")])
    assert (document["status"], statuses(document)) == ("succeeded", {"no": "failed", "after": "succeeded"})


def test_stop_ends_the_run_with_its_outputs_from_inside_loops_and_groups(run: Run, service: Service) -> None:
    stop = {
        "id": "enough",
        "if": "{{ item == 2 }}",
        "uses": "flow.stop",
        "with": {"message": "Two are enough", "outputs": {"last": "{{ item }}"}},
    }
    loop = {
        "id": "each",
        "foreach": "{{ [1, 2, 3] }}",
        "steps": [{"id": "inner", "on_error": "continue", "steps": [stop, get_step("g", service.url("/g"))]}],
    }
    document = run([loop, set_step("after")], outputs={"never": "{{ steps.after.output.done }}"})
    assert (document["status"], document["outputs"]) == ("succeeded", {"last": 2})
    assert document["stopped"] == {"message": "Two are enough"}
    assert service.seen["/g"] == 1
    assert statuses(document)["each[2]"] == "skipped"
    assert "after" not in statuses(document)


def test_what_runs_beside_a_stop_may_end(run: Run, service: Service) -> None:
    service.seconds = {"/slow": 0.4}
    stop = {"id": "enough", "uses": "flow.stop", "with": {}, "needs": []}
    later = set_step("later", needs=["w"])
    document = run([post_step("w", service.url("/slow"), needs=[], once="one"), stop, later])
    assert (document["status"], document["outputs"]) == ("succeeded", {})
    assert statuses(document) == {"w": "succeeded", "enough": "succeeded"}


# --- steps for a failure


def test_on_failure_runs_when_the_run_failed_and_only_then(run: Run, service: Service) -> None:
    tell = {"id": "tell", "uses": "flow.set", "with": {"values": {"said": "{{ error.step }}: {{ error.message }}"}}}
    more = {"on_failure": {"steps": [tell, get_step("call", service.url("/told"))]}}
    document = run([{"id": "no", "uses": "flow.fail", "with": {"message": "Broken"}}], **more)
    assert (document["status"], document["error"]["message"]) == ("failed", "Broken")
    told = {step["path"]: step for step in document["steps"]}
    assert told["on_failure.tell"]["output"] == {"said": "no: Broken"}
    assert service.seen["/told"] == 1
    assert run([set_step("fine")], **more)["status"] == "succeeded"
    assert service.seen["/told"] == 1


def test_a_failure_of_the_steps_for_the_failure_is_told_beside_the_first(run: Run) -> None:
    second = {"steps": [{"id": "again", "uses": "flow.fail", "with": {"message": "Also broken"}}]}
    document = run([{"id": "no", "uses": "flow.fail", "with": {"message": "Broken"}}], on_failure=second)
    assert (document["status"], document["error"]["message"]) == ("failed", "Broken")
    assert document["on_failure_error"]["message"] == "Also broken"


def test_a_wait_among_the_steps_for_a_failure_does_not_run_the_failed_step_again(root: Path, service: Service) -> None:
    moments = [datetime(2026, 11, 20, 12, tzinfo=UTC)]
    service.answers = {"/bad": [400, 200]}
    wait = {"id": "w", "uses": "flow.wait", "with": {"seconds": 3600}}
    write_workflow(
        root, "work", [get_step("bad", service.url("/bad"))], on_failure={"steps": [wait, set_step("after")]}
    )
    orchestra = Orchestra(root, clock=lambda: moments[-1])
    try:
        run_id = orchestra.runs.start(OWNER, "work", {})
        assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "waiting"
        moments.append(moments[0] + timedelta(hours=2))
        until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "failed")
        document: Any = orchestra.runs.get(OWNER, run_id)
        assert statuses(document)["on_failure.after"] == "succeeded"
        assert document["error"]["step"] == "bad"
        assert service.seen["/bad"] == 1
        orchestra.runs.resume(OWNER, run_id)
        assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
    finally:
        orchestra.close()


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
def test_a_time_that_no_calendar_has_in_utc_is_refused(run: Run, moment: str) -> None:
    inputs = {"type": "object", "properties": {"until": {"type": "string"}}}
    wait = {"id": "w", "uses": "flow.wait", "with": {"until": "{{ inputs.until }}"}}
    error = run([wait], {"until": moment}, inputs=inputs)["error"]
    assert (error["type"], error["step"]) == ("InvalidInput", "w")
    assert "a time between the years 1 and 9999" in error["message"]


# --- approvals


def test_a_run_waits_for_a_person_and_goes_on_with_the_answer(orchestra: Orchestra, root: Path) -> None:
    write_workflow(root, "work", [ASK], outputs={"who": "{{ steps.ask.output.by }}"})
    run_id = orchestra.runs.start(OWNER, "work", {})
    document = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert (document["status"], document["due_at"]) == ("waiting", None)
    (question,) = orchestra.approvals.list(OWNER)
    assert (question.message, question.details, question.run_id, question.path) == (
        "Send it?",
        {"to": "mia"},
        run_id,
        "ask",
    )
    orchestra.approvals.approve(OWNER, question.id, "Looks right")
    until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "succeeded")
    document = orchestra.runs.get(OWNER, run_id)
    assert document["outputs"] == {"who": "tester"}
    assert document["steps"][0]["output"]["comment"] == "Looks right"
    assert orchestra.approvals.list(OWNER) == []
    with pytest.raises(InUse, match="approved by tester"):
        orchestra.approvals.reject(OWNER, question.id)


def test_a_no_fails_the_step_and_a_resumed_run_asks_again(orchestra: Orchestra, root: Path) -> None:
    write_workflow(root, "work", [ASK])
    run_id = orchestra.runs.start(OWNER, "work", {})
    orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    orchestra.approvals.reject(OWNER, orchestra.approvals.list(OWNER)[0].id, "Too early")
    until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "failed")
    ended: Any = orchestra.runs.get(OWNER, run_id)
    assert ended["error"]["message"] == "Rejected by tester: Too early."
    orchestra.runs.resume(OWNER, run_id)
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "waiting"
    orchestra.approvals.approve(OWNER, orchestra.approvals.list(OWNER)[0].id)
    until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "succeeded")


def test_an_answer_given_by_another_process_wakes_the_run_where_its_owner_is_gone(root: Path) -> None:
    write_workflow(root, "work", [ASK, set_step("after")])
    first = Orchestra.open(root)
    run_id = first.runs.start(OWNER, "work", {})
    first.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    first.close()
    second = Orchestra.open(root)
    try:
        second.approvals.approve(OWNER, second.approvals.list(OWNER)[0].id)
        until(lambda: second.runs.get(OWNER, run_id)["status"] == "succeeded")
    finally:
        second.close()


def test_an_answer_for_a_called_run_carries_its_callers_along(root: Path) -> None:
    write_workflow(root, "inner", [ASK])
    write_workflow(root, "middle", [_call("c", "inner")])
    write_workflow(root, "work", [_call("c", "middle")])
    first = Orchestra.open(root)
    run_id = first.runs.start(OWNER, "work", {})
    assert first.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "waiting"
    first.close()
    second = Orchestra.open(root)
    try:
        second.approvals.approve(OWNER, second.approvals.list(OWNER)[0].id)
        until(lambda: second.runs.get(OWNER, run_id)["status"] == "succeeded")
    finally:
        second.close()


def test_an_answer_while_other_branches_work_is_heard(orchestra: Orchestra, root: Path, service: Service) -> None:
    service.seconds = {"/slow": 1.5}
    write_workflow(root, "work", [{**ASK, "needs": []}, get_step("r", service.url("/slow"), needs=[])])
    run_id = orchestra.runs.start(OWNER, "work", {})
    until(lambda: len(orchestra.approvals.list(OWNER)) == 1)
    orchestra.approvals.approve(OWNER, orchestra.approvals.list(OWNER)[0].id)
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "succeeded"


def test_a_question_of_a_cancelled_run_is_withdrawn(orchestra: Orchestra, root: Path) -> None:
    write_workflow(root, "work", [ASK])
    run_id = orchestra.runs.start(OWNER, "work", {})
    orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    question = orchestra.approvals.list(OWNER)[0]
    orchestra.runs.cancel(OWNER, run_id)
    until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "cancelled")
    assert orchestra.approvals.get(OWNER, question.id).state == "withdrawn"
    with pytest.raises(InUse, match="withdrawn"):
        orchestra.approvals.approve(OWNER, question.id)


def test_a_question_that_went_with_the_state_file_is_asked_again(root: Path) -> None:
    write_workflow(root, "work", [ASK])
    first = Orchestra.open(root)
    run_id = first.runs.start(OWNER, "work", {})
    first.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    first.close()
    for path in (root / ".orchestra").glob("state.db*"):
        path.unlink()
    second = Orchestra.open(root)
    try:
        second.runs.resume(OWNER, run_id)
        assert second.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "waiting"
        second.approvals.approve(OWNER, second.approvals.list(OWNER)[0].id)
        until(lambda: second.runs.get(OWNER, run_id)["status"] == "succeeded")
    finally:
        second.close()


def test_a_question_has_a_time_limit_where_the_step_has_one(root: Path) -> None:
    moments = [datetime(2026, 11, 20, 12, tzinfo=UTC)]
    write_workflow(root, "work", [{**ASK, "timeout_seconds": 600}])
    orchestra = Orchestra(root, clock=lambda: moments[-1])
    try:
        run_id = orchestra.runs.start(OWNER, "work", {})
        assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["due_at"] == "2026-11-20T12:10:00.000Z"
        moments.append(moments[0] + timedelta(minutes=11))
        until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "failed")
        ended: Any = orchestra.runs.get(OWNER, run_id)
        assert ended["error"]["type"] == "StepTimeout"
        assert orchestra.approvals.list(OWNER) == []
    finally:
        orchestra.close()


def test_only_those_who_may_run_answer(orchestra: Orchestra, root: Path) -> None:
    write_workflow(root, "work", [ASK])
    orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "work", {}), PATIENCE_SECONDS)
    question = orchestra.approvals.list(OWNER)[0]
    with pytest.raises(NotAllowed):
        orchestra.approvals.approve(Principal("guest", "viewer"), question.id)
    assert orchestra.approvals.get(OWNER, question.id).state == "open"


# --- called workflows

NUMBER = {"inputs": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}}


def _double(root: Path, *more: Mapping[str, Any]) -> None:
    twice = {"id": "twice", "uses": "flow.set", "with": {"values": {"n": "{{ inputs.n * 2 }}"}}}
    write_workflow(root, "double", [*more, twice], **NUMBER, outputs={"n": "{{ steps.twice.output.n }}"})


def test_a_called_workflow_is_a_run_of_its_own_linked_both_ways(run: Run, orchestra: Orchestra, root: Path) -> None:
    _double(root)
    document = run([_call("c", "double", {"n": "{{ 20 + 1 }}"})], outputs={"n": "{{ steps.c.output.n }}"})
    assert (document["status"], document["outputs"]) == ("succeeded", {"n": 42})
    (child,) = _children(orchestra, document)
    assert (child["status"], child["parent_run_id"], child["inputs"]) == ("succeeded", document["run_id"], {"n": 21})
    assert child["started_by"] == document["started_by"]


def test_many_short_calls_never_leave_their_caller_waiting(run: Run, root: Path) -> None:
    _double(root)
    calls = [_call(f"c{number}", "double", {"n": number}) for number in range(20)]
    assert run(calls)["status"] == "succeeded"


def test_a_call_that_begins_late_is_no_reason_to_put_its_caller_away(
    run: Run, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _double(root)
    start = Worker.start

    def late(worker: Worker, run_id: str, by: str = "engine") -> None:
        def begin() -> None:
            with suppress(RuntimeError):  # asked for again, and the engine is closed by now
                start(worker, run_id, by)

        threading.Timer(0.4, begin).start()

    monkeypatch.setattr(Worker, "start", late)
    assert run([_call("a", "double", {"n": 1}), _call("b", "double", {"n": 2})])["status"] == "succeeded"


def test_a_call_in_a_loop_gives_a_run_for_each_item(run: Run, orchestra: Orchestra, root: Path) -> None:
    _double(root)
    loop = {
        "id": "each",
        "foreach": "{{ [1, 2, 3] }}",
        "parallel": 3,
        "steps": [_call("c", "double", {"n": "{{ item }}"})],
    }
    document = run([loop], outputs={"all": "{{ steps.each.output.map(x, x.c.n) }}"})
    assert document["outputs"] == {"all": [2, 4, 6]}
    assert len({child["run_id"] for child in _children(orchestra, document)}) == 3


def test_writes_of_a_called_run_are_those_of_the_step_that_called_it(run: Run, root: Path, service: Service) -> None:
    _double(root, post_step("w", service.url("/w")))
    items = "{{ [{'id': 'a'}, {'id': 'b'}] }}"
    loop = {"id": "each", "foreach": items, "key": "{{ item.id }}", "steps": [_call("c", "double", {"n": 1})]}
    assert run([loop])["status"] == "succeeded"
    assert service.seen["/w"] == 2
    again = run([loop])  # the keys name the same things: nothing is sent again
    assert (again["status"], service.seen["/w"]) == ("succeeded", 2)
    assert run([_call("other", "double", {"n": 1})])["status"] == "succeeded"
    assert service.seen["/w"] == 3


def test_a_failed_called_run_fails_the_step_and_is_resumed_with_its_caller(
    run: Run, orchestra: Orchestra, root: Path, service: Service
) -> None:
    service.answers = {"/bad": [400]}
    _double(root, post_step("w", service.url("/w")), get_step("bad", service.url("/bad")))
    document = run([_call("c", "double", {"n": 1}), set_step("after")])
    assert document["status"] == "failed"
    (child,) = _children(orchestra, document)
    assert child["run_id"] in document["error"]["message"]
    orchestra.runs.resume(OWNER, document["run_id"])
    document = orchestra.runs.wait(OWNER, document["run_id"], PATIENCE_SECONDS)
    assert document["status"] == "succeeded"
    assert [one["run_id"] for one in _children(orchestra, document)] == [child["run_id"]]
    assert service.seen["/w"] == 1


def test_a_waiting_called_run_puts_its_caller_away_and_wakes_it(root: Path) -> None:
    moments = [datetime(2026, 11, 20, 12, tzinfo=UTC)]
    _double(root, {"id": "w", "uses": "flow.wait", "with": {"seconds": 3600}})
    write_workflow(root, "work", [_call("c", "double", {"n": 4})], outputs={"n": "{{ steps.c.output.n }}"})
    orchestra = Orchestra(root, clock=lambda: moments[-1])
    try:
        run_id = orchestra.runs.start(OWNER, "work", {})
        assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "waiting"
        moments.append(moments[0] + timedelta(hours=2))
        until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "succeeded")
        assert orchestra.runs.get(OWNER, run_id)["outputs"] == {"n": 8}
    finally:
        orchestra.close()


def test_cancelling_a_run_cancels_what_it_called(orchestra: Orchestra, root: Path, service: Service) -> None:
    service.seconds = {"/slow": 5}
    _double(root, get_step("r", service.url("/slow")))
    write_workflow(root, "work", [_call("c", "double", {"n": 4})])
    run_id = orchestra.runs.start(OWNER, "work", {})
    until(lambda: service.seen["/slow"] == 1)
    orchestra.runs.cancel(OWNER, run_id)
    document = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert document["status"] == "cancelled"
    assert [child["status"] for child in _children(orchestra, document)] == ["cancelled"]


def test_cancelling_a_run_that_is_put_away_cancels_the_waiting_run_that_it_called(
    orchestra: Orchestra, root: Path
) -> None:
    _double(root, ASK)
    write_workflow(root, "work", [_call("c", "double", {"n": 4})])
    run_id = orchestra.runs.start(OWNER, "work", {})
    document = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert document["status"] == "waiting"
    orchestra.runs.cancel(OWNER, run_id)
    until(lambda: [child["status"] for child in _children(orchestra, document)] == ["cancelled"])
    assert orchestra.runs.get(OWNER, run_id)["status"] == "cancelled"
    assert orchestra.approvals.list(OWNER) == []


def test_a_time_limit_around_a_call_ends_the_called_run(
    run: Run, orchestra: Orchestra, root: Path, service: Service
) -> None:
    service.seconds = {"/slow": 5}
    _double(root, get_step("r", service.url("/slow")))
    document = run([_call("c", "double", {"n": 4}, timeout_seconds=1)])
    assert (document["status"], document["error"]["type"]) == ("failed", "StepTimeout")
    assert [child["status"] for child in _children(orchestra, document)] == ["cancelled"]


def test_a_workflow_that_calls_itself_ends_at_the_depth_limit(run: Run, root: Path) -> None:
    document = run([_call("c", "work")])
    assert document["status"] == "failed"
    assert "at most 8 are allowed" in document["error"]["message"]


def test_a_called_workflow_may_call_itself_to_an_end(run: Run, root: Path) -> None:
    again = _call("again", "down", {"n": "{{ inputs.n - 1 }}"}, **{"if": "{{ inputs.n > 0 }}"})
    write_workflow(root, "down", [again], **NUMBER, outputs={"n": "{{ inputs.n }}"})
    assert run([_call("c", "down", {"n": 4})])["status"] == "succeeded"


def test_a_called_workflow_runs_as_it_was_when_its_caller_was_accepted(
    orchestra: Orchestra, root: Path, service: Service
) -> None:
    service.seconds = {"/slow": 0.6}
    _double(root)
    write_workflow(
        root,
        "work",
        [get_step("r", service.url("/slow")), _call("c", "double", {"n": 4})],
        outputs={"n": "{{ steps.c.output.n }}"},
    )
    run_id = orchestra.runs.start(OWNER, "work", {})
    until(lambda: service.seen["/slow"] == 1)
    write_workflow(root, "double", [set_step("other")], **NUMBER, outputs={"n": 0})
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["outputs"] == {"n": 8}


def test_an_interrupted_caller_and_what_it_called_go_on_together(root: Path, service: Service) -> None:
    service.seconds = {"/slow": 0.8}
    _double(root, get_step("r", service.url("/slow")))
    write_workflow(root, "work", [_call("c", "double", {"n": 4})], outputs={"n": "{{ steps.c.output.n }}"})
    first = Orchestra.open(root)
    run_id = first.runs.start(OWNER, "work", {})
    until(lambda: service.seen["/slow"] == 1)
    first.runs.interrupt(OWNER, run_id)
    assert first.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "interrupted"
    first.close()
    second = Orchestra.open(root)
    try:
        second.runs.resume(OWNER, run_id)
        document = second.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
        assert (document["status"], document["outputs"]) == ("succeeded", {"n": 8})
        assert len(_children(second, document)) == 1
    finally:
        second.close()
