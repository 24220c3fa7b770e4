"""The page on control says what the engine does: its workflows run, and do what it says."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from engine.orchestra import Orchestra
from engine.step_docs import steps_page
from tests.docs.pages import OWNER, blocks, text_of

PAGE = "docs/control.md"
NAMES = ("release", "think-again", "release-day", "prices", "sorting")


@pytest.fixture
def workflows(orchestra: Orchestra) -> Orchestra:
    """The workspace with the workflows of the page."""
    texts = blocks(PAGE, "json")
    assert len(texts) == len(NAMES)
    for name, text in zip(NAMES, texts, strict=True):
        assert orchestra.workflows.save(OWNER, name, text, None).problems == []
    return orchestra


def started(orchestra: Orchestra, name: str, **options: Any) -> Any:
    inputs = options.pop("inputs", {})
    return orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, name, inputs, **options), 60)


def ended(orchestra: Orchestra, run_id: str) -> Any:
    ends_at = time.monotonic() + 60
    while (run := orchestra.runs.get(OWNER, run_id))["ended_at"] is None:
        assert time.monotonic() < ends_at, run["status"]
        time.sleep(0.02)
    return run


def test_a_mail_is_held_and_stopped(workflows: Orchestra) -> None:
    run = started(workflows, "think-again")
    assert run["status"] == "waiting"
    [held] = workflows.approvals.list(OWNER, "scheduled")
    workflows.approvals.reject(OWNER, held.id, "Wrong price.")
    assert ended(workflows, run["run_id"])["error"]["message"] == "The mail was stopped by tester: Wrong price."


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param("approve", ("succeeded", {"text": "4.2 is out, said tester."}), id="yes"),
        pytest.param("reject", ("failed", None), id="no"),
    ],
)
def test_a_run_asks_and_goes_on_by_the_answer(workflows: Orchestra, answer: str, expected: tuple[str, Any]) -> None:
    run = started(workflows, "release")
    assert run["status"] == "waiting"
    [question] = workflows.approvals.list(OWNER)
    assert (question.message, question.details) == ("Release version 4.2?", {"notes": "Three fixes, no new setting."})
    say: Callable[..., Any] = getattr(workflows.approvals, answer)
    say(OWNER, question.id, "Not on a Friday.")
    run = ended(workflows, run["run_id"])
    assert (run["status"], run["outputs"]) == expected
    if answer == "approve":
        assert set(run["steps"][0]["output"]) == set(
            re.findall(r"`(\w+)`", text_of(PAGE).partition("its output: ")[2][:60])
        )
    else:
        assert "Not on a Friday." in run["error"]["message"]
        workflows.runs.wait(OWNER, workflows.runs.resume(OWNER, run["run_id"]), 60)
        assert len(workflows.approvals.list(OWNER)) == 1, "going on asks again"


def test_a_cancelled_run_withdraws_its_question(workflows: Orchestra) -> None:
    run = started(workflows, "release")
    workflows.runs.cancel(OWNER, run["run_id"])
    assert ended(workflows, run["run_id"])["status"] == "cancelled"
    assert [one.state for one in workflows.approvals.list(OWNER, None)] == ["withdrawn"]


def test_a_called_workflow_is_a_run_of_its_own(workflows: Orchestra) -> None:
    run = started(workflows, "release-day")
    child = run["steps"][0]["child_run_id"]
    assert workflows.runs.get(OWNER, child)["parent_run_id"] == run["run_id"]
    [question] = workflows.approvals.list(OWNER)
    workflows.approvals.approve(OWNER, question.id)
    assert ended(workflows, run["run_id"])["outputs"] == {"text": "5.0 is out, said tester."}


@pytest.mark.parametrize(
    ("prices", "status", "outputs"),
    [
        pytest.param([], "succeeded", {"count": 0}, id="ended early"),
        pytest.param([1, 2.5], "succeeded", {"count": 2}, id="to the end"),
        pytest.param([1, -1], "failed", None, id="failed"),
    ],
)
def test_a_run_ends_early_or_fails_as_it_says(
    workflows: Orchestra, prices: list[float], status: str, outputs: dict[str, int] | None
) -> None:
    run = started(workflows, "prices", inputs={"prices": prices})
    assert (run["status"], run["outputs"]) == (status, outputs)
    assert ("stopped" in run) == (not prices)
    told = [step["arguments"]["text"] for step in run["steps"] if step["path"] == "on_failure.tell"]
    assert told == (["negative: A price is negative."] if status == "failed" else [])


def test_a_part_is_tested_as_the_page_shows(workflows: Orchestra) -> None:
    [pin] = re.findall(r"--pin ask='(.*)'", text_of(PAGE))
    assert started(workflows, "release", pins={"ask": json.loads(pin)})["outputs"] == {"text": "4.2 is out, said me."}
    only = started(workflows, "prices", inputs={"prices": [1, 2]}, only="negative")
    assert {step["path"]: step["status"] for step in only["steps"]} == {"nothing": "skipped", "negative": "skipped"}


def test_a_workflow_that_calls_itself_without_end_is_stopped_at_the_depth_of_the_page(orchestra: Orchestra) -> None:
    [deepest] = map(int, re.findall(r"more than (\d+) runs inside each other", text_of(PAGE)))
    step = {"id": "again", "uses": "workflow.run", "with": {"workflow": "endless"}}
    orchestra.workflows.save(OWNER, "endless", json.dumps({"schema_version": 1, "steps": [step]}), None)
    run = ended(orchestra, orchestra.runs.start(OWNER, "endless", {}))
    assert run["status"] == "failed"
    rows = orchestra.runs.list(OWNER).rows
    assert len(rows) == deepest + 1
    newest: Any = orchestra.runs.get(OWNER, rows[0].run_id)
    assert newest["error"]["type"] == "InvalidInput"


def test_every_step_type_of_control_is_on_the_page() -> None:
    controls = set(re.findall(r"### `((?:flow|workflow)\.\w+)`", steps_page())) - {
        "flow.set",
        "flow.assert",
        "flow.wait",
    }
    assert {name for name in controls if f"`{name}`" in text_of(PAGE)} == controls
