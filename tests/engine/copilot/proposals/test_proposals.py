"""Proposals: made, kept over a restart, accepted whole, in part or not at all, also if the draft has changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import EditConflict, InvalidFile, InvalidInput, NotAllowed, UnknownName
from engine.copilot.proposals.records import Proposal
from engine.orchestra import Orchestra
from engine.people.access import Principal

ADA, BOB, VIEWER = Principal("ada", "editor"), Principal("bob", "editor"), Principal("eve", "viewer")
TEXT = """{"schema_version": 1, "title": "Work", "steps": [
   {"id": "first",   "uses": "flow.set", "with": {"values": {"n": 1}}},
   {"id": "second", "uses": "flow.set", "with": {"values": {"n": "{{ steps.first.output.n }}", "first": 2}}},
   {"id": "third", "uses":"flow.set","with":{"values":{"n":3}}}
]}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "work.json").write_text(TEXT)
    (tmp_path / "config.yaml").write_text("")
    return tmp_path


@pytest.fixture
def orchestra(root: Path) -> Iterator[Orchestra]:
    orchestra = Orchestra.open(root)
    yield orchestra
    orchestra.close()


def rev(orchestra: Orchestra, workflow: str = "work") -> str:
    return orchestra.editing.draft_text(ADA, workflow).state.rev


def text(orchestra: Orchestra, workflow: str = "work") -> str:
    return orchestra.editing.draft_text(ADA, workflow).text


def valued(step: str, value: Any) -> dict[str, Any]:
    return {"op": "set", "step": step, "field": "with.values.n", "value": value}


def made(orchestra: Orchestra, *ops: Any, workflow: str = "work", base: str = "") -> Proposal:
    seen = base or (rev(orchestra) if workflow == "work" else "")
    return orchestra.copilot.proposals.make(ADA, workflow, seen, [*ops], "Because.", source="rules")


def accepted(orchestra: Orchestra, proposal: Proposal, steps: list[str] | None = None) -> None:
    given = [one.id for one in proposal.ticks]
    orchestra.copilot.proposals.accept(ADA, proposal.workflow, proposal.id, steps=steps, ticks=given)


def test_a_proposal_says_what_it_changes_and_changes_nothing(orchestra: Orchestra) -> None:
    """It has sentences, a difference of the text, and the changes of each step."""
    one = made(orchestra, valued("first", 7), {"op": "remove", "steps": ["third"]})
    assert text(orchestra) == TEXT
    assert one.is_acceptable
    assert one.status == "open"
    assert "Step third was removed." in one.sentences
    assert '+   {"id": "first",   "uses"' in one.diff
    assert [(change.step, change.kind, change.ops) for change in one.changes] == [
        ("first", "changed", [0]),
        ("third", "removed", [1]),
    ]
    assert (one.untouched.steps, one.untouched.are_byte_equal) == (1, True)


def test_a_proposal_survives_a_restart_and_belongs_to_its_person(root: Path) -> None:
    """It is the same after the workspace was closed and opened, and nobody else has it."""
    orchestra = Orchestra.open(root)
    one = made(orchestra, valued("first", 7))
    orchestra.close()
    orchestra = Orchestra.open(root)
    try:
        assert orchestra.copilot.proposals.get(ADA, "work", one.id) == one
        assert orchestra.copilot.proposals.list(BOB, "work") == []
        with pytest.raises(NotAllowed):
            orchestra.copilot.proposals.list(VIEWER, "work")
        accepted(orchestra, one)
        assert '"n": 7' in text(orchestra)
    finally:
        orchestra.close()


def test_acceptance_is_one_change_that_undo_reverts(orchestra: Orchestra) -> None:
    """Undo brings back every character."""
    one = made(orchestra, valued("first", 7), valued("third", 9), {"op": "rename", "step": "first", "to": "start"})
    accepted(orchestra, one)
    assert '"n": 7' in text(orchestra)
    assert "steps.start.output" in text(orchestra)
    assert orchestra.copilot.proposals.get(ADA, "work", one.id).status == "accepted"
    orchestra.editing.undo(ADA, "work", rev(orchestra))
    assert text(orchestra) == TEXT


def test_steps_are_accepted_one_by_one(orchestra: Orchestra) -> None:
    """The rest stays open, and is accepted or rejected later."""
    one = made(orchestra, valued("first", 7), valued("third", 9))
    accepted(orchestra, one, ["third"])
    assert '"n":9' in text(orchestra)
    assert '"n": 7' not in text(orchestra)
    assert orchestra.copilot.proposals.get(ADA, "work", one.id).status == "partly_accepted"
    accepted(orchestra, one)
    assert '"n": 7' in text(orchestra)
    with pytest.raises(InvalidInput, match="was accepted already"):
        orchestra.copilot.proposals.reject(ADA, "work", one.id)


def test_an_operation_of_two_steps_needs_both(orchestra: Orchestra) -> None:
    """Nothing changes if one of them is left out."""
    one = made(orchestra, {"op": "remove", "steps": ["second", "third"]})
    with pytest.raises(InvalidInput, match=r"ops\[0\] also changes third"):
        accepted(orchestra, one, ["second"])
    assert text(orchestra) == TEXT


def test_a_part_that_does_not_compile_is_refused(orchestra: Orchestra) -> None:
    """The whole would compile, the part would not: the problems are named, and nothing changes."""
    one = made(orchestra, {"op": "remove", "steps": ["first"]}, valued("second", 2))
    assert one.is_acceptable
    with pytest.raises(InvalidFile) as caught:
        accepted(orchestra, one, ["first"])
    assert any("first" in problem.message for problem in caught.value.problems)
    assert text(orchestra) == TEXT
    accepted(orchestra, one)


def test_what_does_not_compile_cannot_be_accepted(orchestra: Orchestra) -> None:
    """It is kept with its problems."""
    one = made(orchestra, valued("second", "{{ steps.nobody.output.n }}"))
    assert not one.is_acceptable
    assert one.problems
    with pytest.raises(InvalidFile):
        accepted(orchestra, one)
    assert text(orchestra) == TEXT


def test_a_draft_that_has_changed_elsewhere_keeps_both(orchestra: Orchestra) -> None:
    """At the same place it is a conflict, the proposal is stale, and nothing changes."""
    one, other = made(orchestra, valued("first", 7)), made(orchestra, valued("third", 9))
    orchestra.editing.apply(ADA, "work", rev(orchestra), [valued("first", 5)])
    accepted(orchestra, other)
    before = text(orchestra)
    assert '"n": 5' in before
    assert '"n":9' in before
    with pytest.raises(EditConflict):
        accepted(orchestra, one)
    assert text(orchestra) == before
    assert orchestra.copilot.proposals.get(ADA, "work", one.id).status == "stale"


def test_a_new_workflow_begins_as_a_blank_one(orchestra: Orchestra) -> None:
    """Its file is created when the proposal is accepted, and has the blank text: the rest is in the draft."""
    op = {"op": "set", "step": "hello", "field": "with.values.text", "value": "Hi"}
    one = made(orchestra, op, workflow="greet")
    with pytest.raises(UnknownName):
        orchestra.workflows.get(ADA, "greet")
    accepted(orchestra, one)
    assert '"Hi"' in text(orchestra, "greet")
    assert '"Hi"' not in orchestra.workflows.get(ADA, "greet").text


def test_proposals_follow_their_workflow(orchestra: Orchestra) -> None:
    """They are renamed and deleted with it."""
    one = made(orchestra, valued("first", 7))
    orchestra.workflows.rename(ADA, "work", "job")
    assert orchestra.copilot.proposals.get(ADA, "job", one.id).workflow == "job"
    orchestra.workflows.delete(ADA, "job")
    assert orchestra.copilot.proposals.list(ADA, "job") == []


def test_no_more_than_twenty_are_kept(orchestra: Orchestra) -> None:
    """The oldest go."""
    ids = [made(orchestra, valued("first", number)).id for number in range(22)]
    assert [one.id for one in orchestra.copilot.proposals.list(ADA, "work")] == ids[2:]


def test_an_operation_that_cannot_be_applied_says_where(orchestra: Orchestra) -> None:
    """As edits do."""
    with pytest.raises(InvalidInput, match=r"ops\[0\] .*no step 'frst'") as caught:
        made(orchestra, valued("frst", 1))
    assert "first" in caught.value.remedy
    assert json.loads(TEXT)["title"] == "Work"


def test_what_a_person_has_put_into_a_new_file_is_told_if_it_goes(orchestra: Orchestra) -> None:
    """What a new file has by itself goes without a word: nobody has written it."""
    ops = [
        {"op": "add", "step": {"id": "first", "uses": "flow.set", "with": {"values": {"n": 1}}}},
        {"op": "remove", "steps": ["hello"]},
        {"op": "unset", "field": "outputs"},
        {"op": "unset", "field": "description"},
    ]
    gone = {"It no longer returns anything.", "The description was removed.", "Step hello was removed."}
    orchestra.workflows.create(ADA, "greet")
    assert not gone & {*made(orchestra, *ops, workflow="greet", base=rev(orchestra, "greet")).sentences}
    for name, field, value in (
        ("counted", "outputs", {"count": "{{ size(steps.hello.output.text) }}"}),
        ("described", "description", "Counts greetings."),
    ):
        orchestra.workflows.create(ADA, name)
        now = orchestra.editing.apply(ADA, name, rev(orchestra, name), [{"op": "set", "field": field, "value": value}])
        one = made(orchestra, *ops, workflow=name, base=now.rev)
        assert gone <= {*one.sentences}
        assert gone - {"Step hello was removed."} <= {*one.changes[-1].sentences}
