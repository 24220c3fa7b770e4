"""`/api/copilot/answers` and a turn without a model: commands, and what is none."""

from __future__ import annotations

import json

import pytest
from starlette.testclient import TestClient

from engine.base.errors import InvalidInput
from engine.copilot.talking.records import About
from engine.orchestra import Orchestra
from engine.people.access import Principal

SAME = {"Origin": "http://127.0.0.1:8501"}
OWNER = Principal("local:grace", "owner")
RETRY = {"op": "set", "step": "issue", "field": "retry", "value": {"attempts": 5}}


def test_a_command_is_proposed_and_a_sentence_is_not_guessed(browser: TestClient) -> None:
    said = {"text": "retry issue 5 times", "workflow": "inbox-triage"}
    answer = browser.post("/api/copilot/answers", json=said, headers=SAME).json()
    assert answer["proposal"]["ops"] == [RETRY]
    said["text"] = "please retry the issue five times"
    answer = browser.post("/api/copilot/answers", json=said, headers=SAME).json()
    assert (answer["proposal"], answer["text"][:22]) == (None, "This is not a command,")
    assert "retry STEP N times" in answer["examples"]


def test_a_turn_of_the_panel_without_a_model_does_a_command(browser: TestClient) -> None:
    sent = {"text": "retry issue 5 times", "selection": ["label"]}
    stream = browser.post("/api/copilot/conversations/inbox-triage/turns", json=sent, headers=SAME).text
    done = stream.split("event: done\n")[1].split("data: ", 1)[1].splitlines()[0]
    [proposal] = [one["proposal_id"] for one in json.loads(done)["parts"] if one["kind"] == "proposal"]
    shown = browser.get(f"/api/copilot/proposals/inbox-triage/{proposal}").json()
    assert shown["ops"] == [RETRY]


@pytest.mark.parametrize("steps", ["[" * 3000 + "]" * 3000, '["\\ud800"]'])
def test_a_file_that_cannot_be_read_is_refused_with_its_problem(
    orchestra: Orchestra, browser: TestClient, steps: str
) -> None:
    (orchestra.workspace.root / "workflows" / "odd.json").write_text(f'{{"title": "N", "steps": {steps}}}')
    for said in ("explain", "fix"):
        refused = browser.post("/api/copilot/answers", json={"text": said, "workflow": "odd"}, headers=SAME)
        assert (refused.status_code, refused.json()["error"]["type"]) == (422, "InvalidFile")
        turn = browser.post("/api/copilot/conversations/odd/turns", json={"text": said}, headers=SAME)
        assert "workflows/odd.json:1:" in turn.text.partition("event: done")[2]


def test_a_run_of_another_workflow_and_a_step_that_there_is_not_are_refused(
    orchestra: Orchestra, browser: TestClient
) -> None:
    steps = [{"id": "stop", "uses": "flow.fail", "with": {"message": "No."}}]
    orchestra.workflows.save(OWNER, "fails", json.dumps({"schema_version": 1, "steps": steps}), None)
    run_id = orchestra.runs.start(OWNER, "fails", {})
    orchestra.runs.wait(OWNER, run_id, 30)
    asked = {"text": "why did it fail", "workflow": "inbox-triage"}
    for about in (About(run_id=run_id), About(["stop"])):
        more = {"selection": about.selection, "run_id": about.run_id}
        refused = browser.post("/api/copilot/answers", json={**asked, **more}, headers=SAME)
        assert (refused.status_code, refused.json()["error"]["type"]) == (422, "InvalidInput")
        with pytest.raises(InvalidInput):
            orchestra.copilot.talking._prepared(OWNER, "inbox-triage", "why?", about, None)  # what a model gets
    mended = browser.post("/api/copilot/answers", json={**asked, "workflow": "fails", "run_id": run_id}, headers=SAME)
    assert "No." in mended.json()["text"]
