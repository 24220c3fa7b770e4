"""What the page of a run offers to do: running it again in another way, undo, one step alone, comparing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.run.change.compare import in_order
from dashboard.run.change.undo import can_undo, can_undo_item
from engine.base.statuses import RunStatus
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.dashboard.test_run import labels, tables, words
from tests.dashboard.test_run_control import links, saved

Open = Callable[..., AppTest]
OWNER = Principal("owner", "owner")
ISSUES: dict[str, Any] = {
    "id": "each",
    "foreach": "{{ ['a', 'b'] }}",
    "key": "{{ item }}",
    "item_title": "Item {{ item }}",
    "steps": [
        {
            "id": "issue",
            "title": "Open an issue",
            "uses": "github.create_issue",
            "with": {"repository": "acme/app", "title": "Undo {{ item }}", "body": "{{ inputs.text }}"},
        }
    ],
}
TEXT = {"type": "object", "properties": {"text": {"type": "string", "default": "About it"}}}
TWO = (
    {"id": "first", "title": "First", "uses": "flow.set", "with": {"values": {"text": "{{ inputs.text }}"}}},
    {
        "id": "second",
        "title": "Second",
        "uses": "flow.set",
        "with": {"values": {"text": "{{ steps.first.output.text }}!"}},
    },
)


def ran(orchestra: Orchestra, name: str, **inputs: Any) -> Any:
    return orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, name, inputs), 60)


def newest(orchestra: Orchestra) -> Any:
    """The latest run, at its end."""
    return orchestra.runs.wait(OWNER, orchestra.runs.list(OWNER, limit=1).rows[0].run_id, 60)


def issues(orchestra: Orchestra) -> dict[str, str]:
    shown = orchestra.demo.show(OWNER)["github"]["issues"]
    return {one["title"]: one["state"] for one in shown if one["title"].startswith("Undo ")}


@pytest.fixture
def made(orchestra: Orchestra) -> Any:
    """A run that has made two issues."""
    saved(orchestra, "issues", ISSUES, inputs=TEXT)
    run = ran(orchestra, "issues")
    assert run["counts"]["new_effects"] == 2, run["error"]
    return run


def panel(open_page: Open, name: str, run: dict[str, Any], **params: str) -> AppTest:
    """The page of a run with a panel opened."""
    at = open_page("run", id=run["run_id"], **params)
    at.button(key=f"panel-{name}-button").click().run()
    assert not at.exception
    return at


# --- again


def test_each_way_to_run_again_does_what_it_says(orchestra: Orchestra, open_page: Open, made: dict[str, Any]) -> None:
    ways: list[tuple[str, int, dict[str, Any]]] = [
        ("reuse", 0, {}),
        ("update", 0, {"receipts": "update"}),
        ("force", 2, {"receipts": "force"}),
    ]
    for way, new, options in ways:
        at = panel(open_page, "again", made)
        at.radio(key="again-receipts").set_value(way).run()
        if way == "force":
            assert at.button(key="again-so").disabled
            at.checkbox(key="again-twice").check().run()
        at.button(key="again-so").click().run()
        assert not at.exception
        run = newest(orchestra)
        assert (run["origin_run_id"], run["options"]) == (made["run_id"], options)
        assert run["counts"]["new_effects"] == new


def test_the_answers_of_a_run_can_be_taken_again(orchestra: Orchestra, open_page: Open) -> None:
    run = ran(orchestra, "inbox-triage", query="in:inbox subject:invoice", limit=1)
    at = panel(open_page, "again", run)
    at.toggle(key="again-replay").set_value(True).run()
    at.button(key="again-so").click().run()
    again = newest(orchestra)
    assert again["options"] == {"replay": run["run_id"]}
    at = open_page("run", id=again["run_id"], open="each_mail[0]", step="each_mail.classify")
    assert "Answer of the earlier run" in words(at)
    assert tables(at)[0]["each_mail.classify"][1] == "✓ Replayed"


def test_a_corrected_workflow_takes_a_failed_run_on(orchestra: Orchestra, open_page: Open) -> None:
    fail = {"id": "second", "uses": "flow.fail", "with": {"message": "No."}}
    saved(orchestra, "two", TWO[0], fail, inputs=TEXT)
    run = ran(orchestra, "two")
    assert run["status"] == "failed"
    put(orchestra, "two", {**TWO[0], "with": {"values": {"text": "Other"}}}, TWO[1])
    at = panel(open_page, "again", run)
    assert "Try again goes on with the workflow as it was" in words(at)
    assert any("first" in str(one.value) for one in at.markdown)
    assert any("+ Other" in str(one.value) for one in at.code), "what is different stands side by side"

    other = {"type": "string", "default": "New"}
    put(orchestra, "two", *TWO, inputs={"type": "object", "properties": {"text": other}})
    at = open_page("run", id=run["run_id"])
    assert "The workflow has changed since, in second: Try again goes on with the new file" in words(at)
    kept = "The run keeps its inputs, including this one, whose default has changed: text."
    assert kept in words(at).replace("\\", "")
    at.button(key="resume").click().run()
    ended = orchestra.runs.wait(OWNER, run["run_id"], 60)
    assert (ended["status"], ended["resumed"][-1]["newest"]) == ("succeeded", True)


def test_a_failed_run_goes_on_without_the_changes_on_request(orchestra: Orchestra, open_page: Open) -> None:
    fail = {"id": "second", "uses": "flow.fail", "with": {"message": "No."}}
    saved(orchestra, "two", TWO[0], fail, inputs=TEXT)
    run = ran(orchestra, "two")
    put(orchestra, "two", *TWO)
    at = panel(open_page, "again", run)
    at.button(key="resume-as-accepted").click().run()
    ended = orchestra.runs.wait(OWNER, run["run_id"], 60)
    assert (ended["status"], "newest" in ended["resumed"][-1]) == ("failed", False)


def test_a_file_that_has_problems_is_named_and_the_run_goes_on_without_it(
    orchestra: Orchestra, open_page: Open
) -> None:
    fail = {"id": "second", "uses": "flow.fail", "with": {"message": "No."}}
    saved(orchestra, "two", TWO[0], fail, inputs=TEXT)
    run = ran(orchestra, "two")
    put(orchestra, "two", TWO[0], {"id": "second", "uses": "flow.fial"})
    at = panel(open_page, "again", run)
    assert "Try again goes on with the workflow as it was" in words(at)
    assert any("fial" in one.value for one in at.error), "More options say what is wrong with it"


def test_a_run_of_a_plan_does_not_follow_the_file(orchestra: Orchestra, open_page: Open) -> None:
    fail = {"id": "second", "uses": "flow.fail", "with": {"message": "No."}}
    saved(orchestra, "two", TWO[0], fail, inputs=TEXT)
    plan_id = orchestra.plans.make(OWNER, "two", {})
    orchestra.runs.wait(OWNER, plan_id, 60)
    put(orchestra, "two", *TWO)
    at = open_page("run", id=plan_id)
    assert "has changed since" not in words(at)
    orchestra.runs.resume(OWNER, plan_id, newest=None)
    assert "newest" not in orchestra.runs.wait(OWNER, plan_id, 60)["resumed"][-1]


def put(orchestra: Orchestra, name: str, *steps: dict[str, Any], inputs: Any = TEXT) -> None:
    path = Path(orchestra.workspace.root) / "workflows" / f"{name}.json"
    document = {"schema_version": 1, "title": name.capitalize(), "inputs": inputs, "steps": list(steps)}
    path.write_text(json.dumps(document), encoding="utf-8")


# --- undo


def test_an_undo_is_shown_done_and_told(orchestra: Orchestra, open_page: Open, made: dict[str, Any]) -> None:
    at = panel(open_page, "undo", made)
    assert "this would be undone" in words(at)
    assert "Open an issue" in words(at)
    assert issues(orchestra) == {"Undo a": "open", "Undo b": "open"}
    at.button(key="undo-now-run").click().run()
    assert not at.exception
    assert issues(orchestra) == {"Undo a": "closed", "Undo b": "closed"}
    assert any("2 writes undone" in str(one.value) for one in at.success)
    assert "Undo" not in labels(at), "there is nothing left to undo"
    at.button(key="undo-report-close").click().run()
    assert not at.success

    at = open_page("run", id=made["run_id"], open="each[0]")
    assert "Undone by owner" in words(at)
    assert "⊘ Undone" in tables(at)[0]["each.issue"]


def test_one_item_is_undone_alone(orchestra: Orchestra, open_page: Open, made: dict[str, Any]) -> None:
    at = panel(open_page, "undo-item", made, open="each[1]")
    assert "Undo this item: this would be undone" in words(at)
    at.button(key="undo-now-item").click().run()
    assert issues(orchestra) == {"Undo a": "open", "Undo b": "closed"}
    assert "Undo this item" not in labels(at.run())
    assert "Undo this item" in labels(open_page("run", id=made["run_id"], open="each[0]"))


def test_what_cannot_be_undone_is_shown_before(orchestra: Orchestra, open_page: Open) -> None:
    mail = {"to": ["ada@example.org"], "subject": "Hello", "text": "Hello"}
    saved(
        orchestra,
        "letter",
        {"id": "send", "title": "Send a mail", "uses": "gmail.send", "approve": "never", "with": mail},
    )
    run = ran(orchestra, "letter")
    assert run["status"] == "succeeded", run["error"]
    at = panel(open_page, "undo", run)
    assert "Nothing here can be undone" in words(at)
    assert any("Send a mail" in str(one.value) for one in at.warning)
    assert "undo-now-run" not in [button.key for button in at.button]


@pytest.mark.parametrize(
    ("status", "effect", "expected"),
    [
        pytest.param("succeeded", {"reused": False}, True, id="made"),
        pytest.param("failed", {"reused": False}, True, id="made, then failed"),
        pytest.param("running", {"reused": False}, False, id="still at work"),
        pytest.param("waiting", {"reused": False}, False, id="still waiting"),
        pytest.param("succeeded", {"reused": True}, False, id="of another run"),
        pytest.param("succeeded", {"reused": False, "undone": {"at": ""}}, False, id="undone before"),
        pytest.param("succeeded", None, False, id="no write"),
        pytest.param("cancelled", None, True, id="perhaps made after it was cancelled"),
    ],
)
def test_undo_is_offered_where_there_is_something_to_undo(status: str, effect: Any, *, expected: bool) -> None:
    step = {"path": "each[1].issue", "effect": effect, "status": status, "identity": "[]"}
    run: Any = {"status": status, "steps": [step]}
    assert can_undo(run) is expected
    assert can_undo_item(run, "each[1]") is expected
    assert not can_undo_item(run, "each[0]")


# --- one step


def test_one_step_runs_alone_with_what_was_recorded(orchestra: Orchestra, open_page: Open) -> None:
    saved(orchestra, "two", *TWO, inputs=TEXT)
    run = ran(orchestra, "two", text="Hello")
    at = open_page("run", id=run["run_id"], open="second")
    at.button(key="only-second").click().run()
    assert not at.exception
    test = newest(orchestra)
    assert test["options"]["only"] == "second"
    at = open_page("run", id=test["run_id"], open="first")
    assert "Test run" in words(at)
    assert "Pinned output, not run" in words(at)
    assert tables(at)[0]["status"] == ["✓ Pinned", "✓ Done"]
    assert "Test run" in words(open_page("runs"))


def test_a_step_that_writes_asks_before_it_runs_alone_and_a_viewer_may_compare_and_nothing_else(
    orchestra: Orchestra, sign_in: Callable[..., str], open_page: Open, made: dict[str, Any]
) -> None:
    at = open_page("run", id=made["run_id"], open="each[0]", step="each.issue")
    button = f"only-{'each[0].issue'}"
    assert at.button(key=button).disabled
    at.checkbox(key="only-tick-each[0].issue").check().run()
    at.button(key=button).click().run()
    assert newest(orchestra)["counts"]["reused_effects"] == 1
    assert issues(orchestra) == {"Undo a": "open", "Undo b": "open"}

    orchestra.users.add(OWNER, "vera", "Vera", "viewer", "a long password 1")
    sign_in("vera")
    at = open_page("run", id=made["run_id"], open="each[0]")
    assert not at.exception
    assert "Compare" in labels(at)
    assert not {"Undo", "Undo this item", "More options", "Run again", "Run only this step"} & set(labels(at))


# --- comparing


def test_two_runs_stand_side_by_side_where_they_part_first(orchestra: Orchestra, open_page: Open) -> None:
    saved(orchestra, "two", *TWO, inputs=TEXT)
    first, second = ran(orchestra, "two", text="Hello"), ran(orchestra, "two", text="![x](http://192.0.2.1/p)")
    at = panel(open_page, "compare", second)
    at.button(key="compare-go").click().run()
    assert not at.exception
    assert (at.query_params["first"], at.query_params["second"]) == (first["run_id"], second["run_id"])

    at = open_page("compare", first=first["run_id"], second=second["run_id"])
    assert not at.exception
    shown = words(at)
    assert shown.index("The first difference") < shown.index("What differs after that")
    assert "**First** :small[:gray[first]]" in shown
    assert "Hello" in shown
    assert not any("![x](" in str(one.value) for one in at.markdown), "text from outside stays text"
    assert first["run_id"] in links(at)["In the first"]

    itself = open_page("compare", first=first["run_id"], second=first["run_id"])
    assert "There is no difference." in words(itself)
    for params in ({}, {"first": "20261120T120000Z-aaaaaaaa", "second": "nope"}):
        at = open_page("compare", **params)
        assert not at.exception
        assert at.error, "what cannot be compared is told in words"


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        pytest.param(("failed", "succeeded"), ("b", "a"), id="the good one first"),
        pytest.param(("succeeded", "failed"), ("a", "b"), id="also where it is older"),
        pytest.param(("succeeded", "succeeded"), ("a", "b"), id="else the older one"),
    ],
)
def test_the_run_that_went_well_comes_first(statuses: tuple[str, str], expected: tuple[str, str]) -> None:
    from engine.runs.run_list import RunRow

    nothing: Any = {}
    other = RunRow("b", "w", "W", RunStatus(statuses[1]), False, "o", "", None, None, None, "", nothing)
    run: Any = {"run_id": "a", "status": statuses[0]}
    assert in_order(run, other) == expected
