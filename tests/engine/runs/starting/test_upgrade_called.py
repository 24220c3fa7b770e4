"""A caller that is resumed with the file as it is now: so are the called runs that it goes on with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InvalidInput
from engine.orchestra import Orchestra
from tests.engine.conftest import OWNER, Run, Service, get_step, set_step, statuses, write_workflow
from tests.patience import PATIENCE_SECONDS, until

BAD = {"id": "check", "uses": "flow.assert", "with": {"condition": "{{ steps.a.output.json.count > 5 }}"}}
GOOD = {"id": "check", "uses": "flow.assert", "with": {"condition": "{{ steps.a.output.json.count == 1 }}"}}
ASK = {"id": "ask", "uses": "flow.approve", "with": {"message": "Send it?"}}


def call(workflow: str, **more: Any) -> dict[str, Any]:
    return {"id": "c", "uses": "workflow.run", "with": {"workflow": workflow, "inputs": {}}, **more}


def resumed(orchestra: Orchestra, run_id: str) -> Any:
    orchestra.runs.resume(OWNER, run_id, newest=True)
    return orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)


def children(orchestra: Orchestra, document: Mapping[str, Any]) -> list[Any]:
    ids = [step["child_run_id"] for step in document["steps"] if step.get("child_run_id")]
    return [orchestra.runs.get(OWNER, run_id) for run_id in ids]


@pytest.mark.parametrize("more", [{}, {"foreach": "{{ [1] }}", "key": "{{ item }}"}], ids=["a-step", "a-loop"])
def test_a_called_run_goes_on_with_its_current_file(
    orchestra: Orchestra, root: Path, run: Run, service: Service, more: Mapping[str, Any]
) -> None:
    a = get_step("a", service.url("/a"))
    write_workflow(root, "inner", [a, BAD])
    first = run([call("inner", **more), set_step("after")])
    (child,) = children(orchestra, first)
    assert (first["status"], child["status"]) == ("failed", "failed")
    write_workflow(root, "inner", [a, GOOD])
    document = resumed(orchestra, first["run_id"])
    assert document["status"] == "succeeded", document["error"]
    (again,) = children(orchestra, document)
    assert (again["run_id"], statuses(again)) == (child["run_id"], {"a": "succeeded", "check": "succeeded"})
    assert [(one["by"], one["newest"]) for one in again["resumed"]] == [("tester", True)]
    assert service.seen["/a"] == 1


def test_so_does_a_run_that_a_called_run_has_called(
    orchestra: Orchestra, root: Path, run: Run, service: Service
) -> None:
    a = get_step("a", service.url("/a"))
    write_workflow(root, "innermost", [a, BAD])
    write_workflow(root, "inner", [call("innermost")])
    first = run([call("inner")])
    write_workflow(root, "innermost", [a, GOOD])
    document = resumed(orchestra, first["run_id"])
    assert document["status"] == "succeeded", document["error"]
    assert service.seen["/a"] == 1


def test_a_called_run_that_waits_goes_on_with_its_current_file(orchestra: Orchestra, root: Path, run: Run) -> None:
    write_workflow(root, "inner", [ASK, {"id": "no", "uses": "flow.fail", "with": {"message": "No."}}])
    first = run([call("inner")])
    assert first["status"] == "waiting"
    write_workflow(root, "inner", [ASK, set_step("yes")])
    orchestra.runs.resume(OWNER, first["run_id"], newest=True)
    [question] = orchestra.approvals.list(OWNER)
    orchestra.approvals.approve(OWNER, question.id)
    until(lambda: orchestra.runs.get(OWNER, first["run_id"])["status"] == "succeeded", "the run")
    (child,) = children(orchestra, orchestra.runs.get(OWNER, first["run_id"]))
    assert statuses(child) == {"ask": "succeeded", "yes": "succeeded"}


def test_nothing_goes_on_if_what_a_called_run_has_finished_was_changed(
    orchestra: Orchestra, root: Path, run: Run, service: Service
) -> None:
    write_workflow(root, "inner", [get_step("a", service.url("/a")), BAD])
    first = run([call("inner")])
    (child,) = children(orchestra, first)
    write_workflow(root, "inner", [get_step("a", service.url("/b")), GOOD])
    with pytest.raises(InvalidInput, match="was changed") as refused:
        orchestra.runs.resume(OWNER, first["run_id"], newest=True)
    assert child["run_id"] in refused.value.message
    for run_id in (first["run_id"], child["run_id"]):
        document = orchestra.runs.get(OWNER, run_id)
        assert (document["status"], document.get("resumed")) == ("failed", None)


def test_a_called_run_that_the_caller_needs_no_more_stays_as_it_is(
    orchestra: Orchestra, root: Path, run: Run, service: Service
) -> None:
    a = get_step("a", service.url("/a"))
    write_workflow(root, "inner", [a, BAD])
    first = run([call("inner")])
    (child,) = children(orchestra, first)
    write_workflow(root, "inner", [a, GOOD])
    write_workflow(root, "work", [set_step("instead")])
    assert resumed(orchestra, first["run_id"])["status"] == "succeeded"
    assert orchestra.runs.get(OWNER, child["run_id"])["status"] == "failed"
