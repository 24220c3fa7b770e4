"""What runs ask, and the answers, over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.orchestra import Orchestra
from tests.api.conftest import LOCAL

ASKING = {
    "schema_version": 1,
    "title": "Asking",
    "steps": [
        {"id": "ask", "uses": "flow.approve", "with": {"message": "Send it?", "details": {"to": "ada@example.org"}}},
        {"id": "after", "uses": "flow.set", "with": {"values": {"said": "{{ steps.ask.output.comment }}"}}},
    ],
    "outputs": {"said": "{{ steps.after.output.said }}"},
}
WAIT_SECONDS = 60


@pytest.fixture
def program(client: TestClient, token: str) -> TestClient:
    """A caller with a token."""
    client.headers["Authorization"] = f"Bearer {token}"
    return client


@pytest.fixture
def run_id(orchestra: Orchestra) -> str:
    """A run that asks."""
    (orchestra.workspace.root / "workflows" / "asking.json").write_text(json.dumps(ASKING))
    run_id = orchestra.runs.start(LOCAL, "asking", {})
    assert orchestra.runs.wait(LOCAL, run_id, WAIT_SECONDS)["status"] == "waiting"
    return run_id


def asked(program: TestClient, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = program.get("/api/approvals", params=query).json()["approvals"]
    return found


def test_a_question_says_who_asks_what(program: TestClient, run_id: str) -> None:
    [question] = asked(program)
    assert (question["run_id"], question["path"], question["workflow"]) == (run_id, "ask", "asking")
    assert (question["message"], question["details"]) == ("Send it?", {"to": "ada@example.org"})
    assert (question["state"], question["answered_by"], question["comment"]) == ("open", None, "")
    assert program.get(f"/api/approvals/{question['id']}").json() == question
    [step, *_] = program.get(f"/api/runs/{run_id}").json()["steps"]
    assert step["approval"] == question["id"]


@pytest.mark.parametrize(
    ("answer", "state", "ending"),
    [
        pytest.param("approve", "approved", ("succeeded", {"said": "Go."}), id="yes"),
        pytest.param("reject", "rejected", ("failed", None), id="no"),
    ],
)
def test_an_answer_lets_the_run_go_on(
    program: TestClient, orchestra: Orchestra, run_id: str, answer: str, state: str, ending: tuple[str, Any]
) -> None:
    [question] = asked(program)
    answered = program.post(f"/api/approvals/{question['id']}/{answer}", json={"comment": "Go."})
    assert answered.status_code == 200
    assert [answered.json()[key] for key in ("state", "answered_by", "comment")] == [state, "ada", "Go."]
    run = orchestra.runs.wait(LOCAL, run_id, WAIT_SECONDS)
    assert (run["status"], run["outputs"]) == ending
    assert asked(program) == []
    assert [one["id"] for one in asked(program, state=state)] == [question["id"]]


def test_who_answers_second_is_told_who_was_first(program: TestClient, run_id: str) -> None:
    [question] = asked(program)
    assert program.post(f"/api/approvals/{question['id']}/approve").status_code == 200
    late = program.post(f"/api/approvals/{question['id']}/reject")
    assert (late.status_code, late.json()["error"]["type"]) == (409, "InUse")
    assert "approved by ada" in late.json()["error"]["message"]


def test_the_question_of_a_cancelled_run_is_withdrawn(program: TestClient, orchestra: Orchestra, run_id: str) -> None:
    [question] = asked(program)
    program.post(f"/api/runs/{run_id}/cancel")
    assert orchestra.runs.wait(LOCAL, run_id, WAIT_SECONDS)["status"] == "cancelled"
    assert [one["state"] for one in asked(program, state="any")] == ["withdrawn"]
    assert program.post(f"/api/approvals/{question['id']}/approve").status_code == 409


@pytest.mark.parametrize("action", ["", "/approve", "/reject"])
def test_a_question_that_is_not_there_is_said_so(program: TestClient, action: str) -> None:
    answer = program.request("POST" if action else "GET", f"/api/approvals/nope{action}")
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "UnknownName")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("GET", "?state=closed", None, id="unknown state"),
        pytest.param("GET", "?limit=0", None, id="no limit"),
        pytest.param("POST", "/nope/approve", {"comments": "x"}, id="unknown key"),
        pytest.param("POST", "/nope/reject", {"comment": 7}, id="a number for a text"),
    ],
)
def test_what_does_not_fit_is_refused(program: TestClient, method: str, path: str, body: Any) -> None:
    assert program.request(method, f"/api/approvals{path}", json=body).status_code == 422
