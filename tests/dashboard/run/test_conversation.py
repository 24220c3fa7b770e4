"""The conversation of an agent on the pages of its run and of the run that called it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from streamlit.testing.v1 import AppTest

from dashboard.base.plain import plain
from engine.orchestra import Orchestra
from engine.outgoing.hidden_characters import hidden_in
from tests.dashboard.test_run import OWNER, labels, words
from tests.patience import until

Open = Callable[..., AppTest]
WRITTEN = "![x](http://evil.example/x.png) **bold** \u202eegap\u200b"
DRAFT = f"CALL draft {json.dumps({'subject': WRITTEN, 'text': 'Two are open.'})}"
LINES = ["CALL read_mails {}", "CALL nothing {}", DRAFT, 'CALL finish {"output": {"summary": "Drafted."}}']


def worked(orchestra: Orchestra, *lines: str) -> tuple[str, str]:
    """Let the agent of the sample play these lines; return the ids of the run that called it, and of its own."""
    orchestra.workflows.create_from_sample(OWNER, "research-agent", "research")
    file = orchestra.workspace.root / "agents" / "research-agent.json"
    file.write_text(file.read_text().replace('"turns": 8', '"turns": 4'))  # each turn is compiled, with all tools
    inputs = {"question": "\n".join(lines), "mails": "crashes"}
    run_id = orchestra.runs.start(replace(OWNER, confirmed=True), "research", inputs)
    step = until(lambda: [one for one in orchestra.runs.get(OWNER, run_id)["steps"] if one.get("child_run_id")])
    return run_id, str(step[0]["child_run_id"])


def ended(orchestra: Orchestra, run_id: str) -> Any:
    until(lambda: orchestra.runs.get(OWNER, run_id)["ended_at"])
    run = orchestra.runs.get(OWNER, run_id)
    assert run["status"] == "succeeded", run["error"]
    return run


def test_a_conversation_is_read_turn_by_turn_and_a_person_answers_in_it(orchestra: Orchestra, open_page: Open) -> None:
    caller, agent = worked(orchestra, *LINES)
    orchestra.runs.wait(OWNER, agent, 60)
    at = open_page("run", id=caller, tab="conversation")
    assert not at.exception
    shown = words(at)
    assert [f"Turn {number}" in shown for number in (1, 2, 3, 4)] == [True, True, True, False]
    assert "It calls **read\\_mails**" in shown
    assert "There is no tool" in shown
    assert plain(WRITTEN) in shown
    assert WRITTEN not in [one.value for one in at.markdown]
    assert (hidden_in(shown), "[U+202E]egap" in shown) == (set(), True)
    assert ("turn 3 of 4" in shown, "of 200,000 tokens" in shown) == (True, True)
    (approve,) = [one for one in at.button if str(one.key).startswith("approve-agent-")]
    approve.click().run()
    ended(orchestra, caller)
    after = words(open_page("run", id=caller, tab="conversation"))
    assert "It has finished." in after
    assert "Approved by owner" in after

    at = open_page("run", id=agent)
    assert next(tab.label for tab in at.tabs) == "Conversation", "the page of its own run opens with what it said"
    assert "Drafted" in words(at)
    assert "Run again" not in labels(at)
    saw = next(one for one in at.expander if one.label == "What the model saw")
    assert not saw.children  # it is sent once it is opened
    assert "Steps" in [tab.label for tab in open_page("run", id=agent, open="turn_1.model_1").tabs]


def test_an_agent_that_is_stuck_asks_a_person_who_ends_it(orchestra: Orchestra, open_page: Open) -> None:
    caller, agent = worked(orchestra, "CALL read_mails {}")
    until(lambda: [one for one in orchestra.runs.get(OWNER, agent)["steps"] if one.get("approval")])
    at = open_page("run", id=caller, tab="conversation")
    assert "It is stuck, so it asks a person" in words(at)
    (reject,) = [one for one in at.button if str(one.key).startswith("reject-agent-")]
    reject.click().run()
    ended(orchestra, caller)
    assert "A person has ended it" in words(open_page("run", id=caller, tab="conversation"))
