"""What a run has recorded of text from outside counts, whatever its workflow says by now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from engine.base.errors import InvalidInput
from tests.engine.conftest import OWNER, write_workflow
from tests.engine.triggering.conftest import INPUTS, TRIGGER, WORKFLOW, Feed
from tests.patience import PATIENCE_SECONDS

STRANGER = "http://127.0.0.1:9/"
NOTE = {"id": "note", "uses": "flow.set", "with": {"values": {"text": "{{ inputs.text }}"}}}
EMPTY = {"id": "nothing", "uses": "flow.set", "with": {"values": {"nothing": 1}}}
FAIL = {"id": "then", "uses": "flow.fail", "with": {"message": "not ready"}}
POST = {"id": "then", "uses": "http.request", "with": {"method": "POST", "url": "{{ inputs.text }}"}}
"""What would send something where the trigger's text says."""


@pytest.fixture
def failed(feed: Feed) -> str:
    """A run that a stranger's text has started, and that failed after its first step."""
    feed.workflow([NOTE, FAIL])
    feed.on()
    feed.write({"id": "1", "text": STRANGER})
    [run_id] = feed.poll().started
    assert feed.ended(run_id)[0]["status"] == "failed"
    return run_id


def without_trigger(feed: Feed, *steps: Mapping[str, Any]) -> None:
    """Let the workflow end in another step, and take its text from a person: so it is valid."""
    write_workflow(feed.root, WORKFLOW, [*steps], inputs=INPUTS)
    feed.orchestra.workflows.plan(OWNER, WORKFLOW)  # it is valid


def without_the_text(feed: Feed, *steps: Mapping[str, Any]) -> None:
    """The same; the trigger gives only the id."""
    trigger = {"id": TRIGGER, "uses": "feed.line", "with": {"path": "feed.jsonl"}, "inputs": {"id": "{{ item.id }}"}}
    write_workflow(feed.root, WORKFLOW, [*steps], inputs=INPUTS, triggers=[trigger])
    feed.orchestra.workflows.plan(OWNER, WORKFLOW)  # it is valid


def rerun(feed: Feed, run_id: str) -> str:
    """Run it again."""
    return feed.orchestra.runs.rerun(OWNER, run_id)


def rerun_with_the_same(feed: Feed, run_id: str) -> str:
    """Run it again, with its own inputs given once more, as a form does."""
    return feed.orchestra.runs.rerun(OWNER, run_id, inputs={"text": STRANGER})


def resume(feed: Feed, run_id: str) -> str:
    """Continue with the file as it is."""
    return feed.orchestra.runs.resume(OWNER, run_id, newest=True)


def only(feed: Feed, run_id: str) -> str:
    """Run the last step alone, with the inputs of the run."""
    inputs = feed.ended(run_id)[0]["inputs"]
    return feed.orchestra.runs.start(OWNER, WORKFLOW, inputs, only="then", from_run=run_id)


def error_of(feed: Feed, run_id: str) -> Any:
    """Return the type of the error with which the last step has failed."""
    run = feed.orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    return next(step["error"]["type"] for step in run["steps"] if step["path"] == "then" and step["error"] is not None)


@pytest.mark.parametrize("edited", [without_trigger, without_the_text])
@pytest.mark.parametrize("again", [rerun, rerun_with_the_same, resume, only])
def test_text_from_outside_stays_so_when_its_trigger_is_changed(
    feed: Feed, failed: str, edited: Callable[..., None], again: Callable[[Feed, str], str]
) -> None:
    edited(feed, NOTE, POST)
    assert error_of(feed, again(feed, failed)) == "OutsideTextRefused"


def test_an_output_of_an_earlier_definition_decides_nothing(feed: Feed, failed: str) -> None:
    fixed = {**NOTE, "with": {"values": {"text": "http://127.0.0.1:9/mine"}}}
    without_trigger(feed, fixed, {**POST, "with": {"method": "POST", "url": "{{ steps.note.output.text }}"}})
    run_id = feed.orchestra.runs.start(OWNER, WORKFLOW, {"id": "2"}, only="then", from_run=failed)
    assert error_of(feed, run_id) == "OutsideTextRefused"


def test_nor_does_one_that_was_taken_twice(feed: Feed, failed: str) -> None:
    fixed = {**NOTE, "with": {"values": {"text": "http://127.0.0.1:9/mine"}}}
    without_trigger(feed, fixed, {**POST, "with": {"method": "POST", "url": "{{ steps.note.output.text }}"}})
    first = feed.orchestra.runs.start(OWNER, WORKFLOW, {"id": "2"}, only="then", from_run=failed)
    feed.ended(first)
    second = feed.orchestra.runs.start(OWNER, WORKFLOW, {"id": "2"}, only="then", from_run=first)
    assert error_of(feed, second) == "OutsideTextRefused"
    assert error_of(feed, feed.orchestra.runs.rerun(OWNER, first)) == "OutsideTextRefused"


def test_a_changed_member_of_an_input_leaves_the_others_as_they_were(feed: Feed) -> None:
    members = {"url": {"type": "string"}, "number": {"type": "string"}}
    inputs = {"type": "object", "properties": {"mail": {"type": "object", "properties": members}}}
    mapping = {"mail": {"url": "{{ item.text }}", "number": "1"}}
    trigger = {"id": TRIGGER, "uses": "feed.line", "with": {"path": "feed.jsonl"}, "inputs": mapping}
    write_workflow(feed.root, WORKFLOW, [FAIL], inputs=inputs, triggers=[trigger])
    feed.on()
    feed.write({"id": "1", "text": STRANGER})
    [run_id] = feed.poll().started
    feed.ended(run_id)
    post = {**POST, "with": {"method": "POST", "url": "{{ inputs.mail.url }}"}}
    write_workflow(feed.root, WORKFLOW, [post], inputs=inputs)
    again = feed.orchestra.runs.rerun(OWNER, run_id, inputs={"mail": {"url": STRANGER, "number": "2"}})
    assert error_of(feed, again) == "OutsideTextRefused"
    own = feed.orchestra.runs.rerun(OWNER, run_id, inputs={"mail": {"url": "http://127.0.0.1:9/mine", "number": "1"}})
    assert error_of(feed, own) != "OutsideTextRefused"


def test_a_step_that_is_run_alone_asks_again_for_what_somebody_has_refused(feed: Feed) -> None:
    fields = {"method": "POST", "url": STRANGER, "text": "{{ inputs.text }}"}
    feed.workflow([NOTE, {**POST, "with": fields, "approve": "when_outside"}])
    feed.on()
    feed.write({"id": "1", "text": "pay them"})
    [run_id] = feed.poll().started
    feed.ended(run_id)
    [asked] = feed.orchestra.approvals.list(OWNER)
    feed.orchestra.approvals.reject(OWNER, asked.id, "no")
    assert feed.ended(run_id)[0]["status"] == "failed"
    again = only(feed, run_id)
    assert feed.orchestra.runs.wait(OWNER, again, PATIENCE_SECONDS)["status"] == "waiting"


def test_a_finished_call_is_not_taken_for_one_of_another_workflow(feed: Feed) -> None:
    call = {
        "id": "note",
        "uses": "workflow.run",
        "with": {"workflow": "inner", "inputs": {"text": "{{ inputs.text }}"}},
    }
    inner = {"inputs": {"type": "object", "properties": {"text": {"type": "string"}}}}
    echo, constant = "{{ inputs.text }}", "http://127.0.0.1:9/mine"
    write_workflow(feed.root, "inner", [EMPTY], **inner, outputs={"text": echo})
    feed.workflow([call, FAIL])
    feed.on()
    feed.write({"id": "1", "text": STRANGER})
    [run_id] = feed.poll().started
    assert feed.ended(run_id)[0]["status"] == "failed"
    write_workflow(feed.root, "inner", [EMPTY], **inner, outputs={"text": constant})
    without_trigger(feed, call, {**POST, "with": {"method": "POST", "url": "{{ steps.note.output.text }}"}})
    with pytest.raises(InvalidInput) as refused:
        resume(feed, run_id)
    assert "workflows.inner" in str(refused.value)
