"""Text from outside in a conversation makes each later proposal need more ticks, whoever makes the proposal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.copilot.proposals.records import Proposal
from engine.copilot.talking.records import Turn, TurnDestination
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.workflows.new_workspace import init

ADA = Principal("ada", "editor")
HEARD = Turn("t-1", "2026-01-01T00:00:00Z", "Why?", "done", "model", sent=TurnDestination(from_outside=True))
WRONG = {"op": "set", "step": "issue", "field": "with.title", "value": "{{ mail.subjct }}"}


MAKES: dict[str, Callable[[Orchestra], Proposal | None]] = {
    "a command": lambda it: it.copilot.without_model.answer(ADA, "retry issue 5 times", "inbox-triage").proposal,
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
