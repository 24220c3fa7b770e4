"""Text from outside in a conversation makes each later proposal need more ticks, whoever makes the proposal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from engine.copilot.proposals.records import Proposal
from engine.copilot.talking.records import Turn, TurnDestination
from engine.copilot.wizard.records import Choices, Chosen
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.workflows.new_workspace import init

ADA = Principal("ada", "editor")
HEARD = Turn("t-1", "2026-01-01T00:00:00Z", "Why?", "done", "model", sent=TurnDestination(from_outside=True))
OTHER = "commit-digest"
POST = Choices(source="mail", targets=(Chosen(target="post", places={"channel": "#general"}),))
WRONG = {"op": "set", "step": "issue", "field": "with.title", "value": "{{ mail.subjct }}"}
EVERYWHERE = "replace acme/app by acme/web in all workflows"


def of_other(found: Sequence[Proposal]) -> Proposal:
    return next(one for one in found if one.workflow == OTHER)


MAKES: dict[str, Callable[[Orchestra], Proposal | None]] = {
    "a rule": lambda it: it.copilot.rules.answer(ADA, "retry all github steps 5 times", "inbox-triage").proposal,
    "all workflows": lambda it: of_other(it.copilot.rules.answer(ADA, EVERYWHERE, "inbox-triage").proposals),
    "the wizard": lambda it: it.copilot.wizard.propose(ADA, "inbox-triage", POST),
    "a fix": lambda it: it.copilot.fixes.propose(ADA, "inbox-triage"),
}


@pytest.fixture
def orchestra(tmp_path: Path) -> Iterator[Orchestra]:
    init(tmp_path / "workspace")
    orchestra = Orchestra.open(tmp_path / "workspace")
    yield orchestra
    orchestra.close()


@pytest.mark.parametrize("way", MAKES)
def test_text_from_outside_in_the_conversation_counts_for_what_rules_propose(orchestra: Orchestra, way: str) -> None:
    if way == "a fix":
        state = orchestra.editing.draft_text(ADA, "inbox-triage").state
        orchestra.editing.apply(ADA, "inbox-triage", state.rev, [WRONG])
    before = MAKES[way](orchestra)
    assert before is not None
    assert not before.from_outside
    orchestra.copilot.talking._turns.keep(ADA, "inbox-triage", HEARD)
    after = MAKES[way](orchestra)
    assert after is not None
    assert after.from_outside
    orchestra.copilot.talking.forget(ADA, "inbox-triage")
    again = MAKES[way](orchestra)
    assert again is not None
    assert not again.from_outside
