"""The demo's model answers ten questions in the panel, so that a first visitor sees a conversation; nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.model.copilot import QUESTIONS
from engine.base.checkout import CHECKOUT
from engine.copilot.talking.records import Turn
from engine.copilot.talking.setup import DEMO_QUESTIONS
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.patience import until
from tests.workspaces import init

pytestmark = pytest.mark.slow

OWNER = Principal("owner", "owner", confirmed=True)
NAME = "inbox-triage"
SAYS = {
    "What does this workflow do?": "**Open an issue** (`github.create_issue`), only if",
    "What starts it?": "`gmail.new_message`",
    "Which steps write something?": "**Label the mail**",
    "Would a second run write the same again?": "**Open an issue**: once for each `{{ mail.id }}`",
    "What happens if a step fails?": "it is tried again: `classify`",
    "Why did the last run fail?": "The last run has not failed.",
    "Ask me before each write, and try it in the demo.": "has run in the demo",
    "Try each step that uses a service three times.": "It is proposed.",
    "Start it every weekday at 8.": "It needs your tick",
    "Put a note on each step that asks a model.": "A note changes nothing that runs.",
}


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestra]:
    folder = tmp_path_factory.mktemp("demo") / "workspace"
    init(folder)
    opened = Orchestra.open(folder, demo=True)
    yield opened
    opened.close()


def asked(orchestra: Orchestra, said: str, workflow: str = NAME) -> Turn:
    turn, feed = orchestra.copilot.talking.start(OWNER, workflow, said)
    until(lambda: feed.is_over, "the end of the turn")
    turns = orchestra.copilot.talking.conversation(OWNER, workflow).turns
    return next(one for one in turns if one.id == turn.id)


def test_the_panel_shows_the_questions_that_the_model_answers() -> None:
    panel = (CHECKOUT / "frontend" / "studio" / "src" / "copilot" / "commands.ts").read_text(encoding="utf-8")
    shown = re.findall(r'N_\("(.*?)"\)', panel)
    assert len(shown) == 10
    assert frozenset(shown) == DEMO_QUESTIONS
    assert frozenset(QUESTIONS) == frozenset(SAYS) == DEMO_QUESTIONS


@pytest.mark.parametrize("said", SAYS)
def test_a_shown_question_is_answered_by_the_models_own_tools(orchestra: Orchestra, said: str) -> None:
    turn = asked(orchestra, said)
    assert (turn.source, turn.status, turn.problem) == ("model", "done", "")
    assert SAYS[said] in turn.words
    assert all(one.ok for one in turn.calls)
    assert turn.usage.cost_usd == 0
    made = [one.proposal_id for one in turn.parts if one.kind == "proposal"]
    assert len(made) == ("It is proposed" in turn.words)
    for id_ in made:
        proposal = orchestra.copilot.proposals.get(OWNER, NAME, id_)
        assert proposal.is_acceptable
        assert (proposal.demo is not None) == ("in the demo" in said)


@pytest.mark.parametrize("said", ["What does this workflow do", "Start it every weekday at 9.", "Delete everything!"])
def test_what_is_not_shown_is_asked_of_no_model(orchestra: Orchestra, said: str) -> None:
    turn = asked(orchestra, said)
    assert turn.source == "rules"
    assert turn.words.startswith("This is not a command, so nothing is changed.")


def test_a_failed_run_is_told_by_its_kinds_of_errors(orchestra: Orchestra) -> None:
    steps: list[dict[str, Any]] = [{"id": "no", "uses": "flow.fail", "with": {"message": "Mallory said so."}}]
    orchestra.workflows.save(OWNER, "fails", json.dumps({"schema_version": 1, "steps": steps}), None)
    orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "fails", {}), 30)
    words = asked(orchestra, "Why did the last run fail?", "fails").words
    assert "- `no` (flow.fail): " in words
    assert "Mallory" not in words
    assert "None: it only reads" in asked(orchestra, "Which steps write something?", "fails").words


def test_without_a_connection_to_a_model_the_demos_model_answers_nothing(tmp_path: Path) -> None:
    init(tmp_path / "workspace")
    (tmp_path / "workspace" / "config.yaml").write_text("connections: {}\n")
    orchestra = Orchestra.open(tmp_path / "workspace")
    try:
        assert not orchestra.copilot.talking.setup(OWNER).is_demo
        assert asked(orchestra, "What starts it?").source == "rules"
    finally:
        orchestra.close()
