"""The addresses and words of other engines: the same workflows and runs as those of ours."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.orchestra import Orchestra
from tests.api.conftest import LOCAL, PASSWORD
from tests.engine.conftest import set_step

GREET: dict[str, Any] = {
    "schema_version": 1,
    "title": "Greet you",
    "inputs": {"type": "object", "properties": {"who": {"type": "string", "default": "you"}}},
    "steps": [set_step("words", {"text": "Hello {{ inputs.who }}"})],
    "outputs": {"text": "{{ steps.words.output.text }}"},
}


@pytest.fixture
def program(client: TestClient, token: str) -> TestClient:
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def ended(program: TestClient, orchestra: Orchestra, run: dict[str, Any]) -> dict[str, Any]:
    orchestra.runs.wait(LOCAL, run["id"], 60)
    found: dict[str, Any] = program.get(run["status_url"]).json()
    return found


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        pytest.param(GREET, "greet-you", id="the definition itself"),
        pytest.param({"name": "hi", **GREET}, "hi", id="and a name"),
        pytest.param({"name": "hi", "definition": GREET}, "hi", id="as ours has it"),
    ],
)
def test_a_flow_is_saved_listed_and_executed(
    program: TestClient, orchestra: Orchestra, sent: dict[str, Any], name: str
) -> None:
    for _ in range(2):  # a request that is repeated after a lost answer
        saved = program.post("/flows", json=sent)
        assert (saved.status_code, saved.json()) == (201, {"id": name, "title": "Greet you", "problems": 0})
    assert saved.json() in program.get("/flows").json()["flows"]
    key = {"Idempotency-Key": "once"}
    for _ in range(2):
        begun = program.post(f"/flows/{name}/execute", json={"inputs": {"who": "Ada"}}, headers=key)
        assert begun.status_code == 202
        run = ended(program, orchestra, begun.json())
        assert (run["status"], run["status_word"]) == ("succeeded", "COMPLETED")
        assert run["outputs"] == {"text": "Hello Ada"}
    assert [row.run_id for row in orchestra.runs.list(LOCAL).rows] == [run["id"]]
    assert program.post(f"/flows/{name}/execute").status_code == 202


@pytest.mark.parametrize(
    ("step", "word"),
    [
        pytest.param(set_step("a", {"text": "x"}), "COMPLETED", id="succeeded"),
        pytest.param({"id": "a", "uses": "flow.fail", "with": {"message": "No."}}, "FAILED", id="failed"),
        pytest.param({"id": "a", "uses": "flow.wait", "with": {"seconds": 3600}}, "WAITING", id="waits"),
    ],
)
def test_a_workflow_that_is_sent_runs_at_once(
    program: TestClient, orchestra: Orchestra, step: dict[str, Any], word: str
) -> None:
    begun = program.post("/workflows", json={"schema_version": 1, "title": "Sent", "steps": [step]})
    assert (begun.status_code, begun.json()["status_word"]) == (202, "QUEUED")
    assert begun.headers["location"] == begun.json()["status_url"]
    run = ended(program, orchestra, begun.json())
    assert run["status_word"] == word
    own = program.get(f"/api/runs/{run['id']}").json()
    assert {name: run[name] for name in own} == own


def test_another_definition_does_not_replace_a_workflow(program: TestClient, orchestra: Orchestra) -> None:
    assert program.post("/flows", json=GREET).status_code == 201
    for address in ("/flows", "/workflows"):
        answer = program.post(address, json={**GREET, "description": "Another."})
        assert (answer.status_code, answer.json()["error"]["type"]) == (409, "InUse")
    assert "Another." not in orchestra.workflows.get(LOCAL, "greet-you").text
    assert orchestra.runs.list(LOCAL).rows == []


def test_a_name_that_access_hides_is_taken(client: TestClient, orchestra: Orchestra) -> None:
    orchestra.workflows.create_from(LOCAL, "hidden", {**GREET, "access": {"see": []}})
    orchestra.users.add(LOCAL, "ed", "Ed", "editor", PASSWORD)
    client.headers["Authorization"] = f"Bearer {orchestra.users.token('ed', PASSWORD)}"
    for address in ("/flows", "/workflows"):
        answer = client.post(address, json={"name": "hidden", **GREET})
        assert (answer.status_code, answer.json()["error"]["type"]) == (409, "InUse")


def test_an_editor_may_send_a_workflow_with_its_access_again(client: TestClient, orchestra: Orchestra) -> None:
    kept = {"name": "kept", **GREET, "access": {"run": ["ed"]}}
    orchestra.workflows.create_from(LOCAL, "kept", {key: kept[key] for key in kept if key != "name"})
    orchestra.users.add(LOCAL, "ed", "Ed", "editor", PASSWORD)
    client.headers["Authorization"] = f"Bearer {orchestra.users.token('ed', PASSWORD)}"
    assert client.post("/workflows", json=kept).status_code == 202
    assert client.post("/workflows", json={**kept, "access": {}}).status_code == 409


def test_a_workflow_with_problems_is_not_kept_if_it_cannot_run(program: TestClient, orchestra: Orchestra) -> None:
    before = orchestra.workflows.list(LOCAL)
    answer = program.post("/workflows", json={"title": "Broken", "steps": []})
    assert answer.status_code == 422
    assert answer.json()["error"]["problems"]
    assert orchestra.workflows.list(LOCAL) == before
