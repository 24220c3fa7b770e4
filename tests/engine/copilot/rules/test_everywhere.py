"""The same change in all workflows: a proposal for each that has it, each with its own ticks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.base.errors import InvalidInput
from engine.copilot.rules.everywhere import without_all
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.workflows.new_workspace import init

ADA = Principal("ada", "editor")


@pytest.fixture
def orchestra(tmp_path: Path) -> Iterator[Orchestra]:
    init(tmp_path / "workspace")
    (tmp_path / "workspace" / "workflows" / "broken.json").write_text("{")
    orchestra = Orchestra.open(tmp_path / "workspace")
    yield orchestra
    orchestra.close()


@pytest.mark.parametrize(
    ("said", "rest"),
    [
        ("replace acme/app by acme/website in all workflows", "replace acme/app by acme/website"),
        ("Ersetze acme/app durch acme/website in allen Workflows", "Ersetze acme/app durch acme/website"),
        ("in every one of my workflows use #team instead of #general", "use #team instead of #general"),
        ("explain this workflow", None),
    ],
)
def test_the_words_for_all_workflows_are_left_out(said: str, rest: str | None) -> None:
    assert without_all(said) == rest


def test_each_workflow_gets_a_proposal_and_keeps_its_ticks(orchestra: Orchestra) -> None:
    rules, proposals = orchestra.copilot.rules, orchestra.copilot.proposals
    answer = rules.answer(ADA, "replace acme/app by acme/website in all workflows", "commit-digest")
    names = [one.workflow for one in answer.proposals]
    assert {"commit-digest", "inbox-triage", "issue-to-notion"} <= set(names)
    assert "reply-drafts" not in names
    assert answer.text.startswith(f"This changes {len(names)} of ")
    assert "Not read: broken." in answer.text
    triage = next(one for one in answer.proposals if one.workflow == "inbox-triage")
    digest = next(one for one in answer.proposals if one.workflow == "commit-digest")
    assert {one.kind for one in triage.ticks} == {"destination"}
    with pytest.raises(InvalidInput):
        proposals.accept(ADA, "inbox-triage", triage.id, steps=None, ticks=[one.id for one in digest.ticks])
    proposals.accept(ADA, "commit-digest", digest.id, steps=None, ticks=[one.id for one in digest.ticks])
    assert "acme/website" in orchestra.editing.draft_text(ADA, "commit-digest").text
    assert "acme/website" not in orchestra.editing.draft_text(ADA, "inbox-triage").text
    assert rules.answer(ADA, "replace acme/none by acme/website in all workflows").proposals == []
