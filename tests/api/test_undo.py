"""Undo over HTTP: first what it would do, then what it did."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.orchestra import Orchestra
from tests.api.conftest import LOCAL

ISSUES: dict[str, Any] = {
    "schema_version": 1,
    "title": "Issues",
    "steps": [
        {
            "id": "each",
            "foreach": "{{ ['a', 'b'] }}",
            "key": "{{ item }}",
            "steps": [
                {
                    "id": "issue",
                    "uses": "github.create_issue",
                    "with": {"repository": "acme/app", "title": "Undo {{ item }}", "body": "About it"},
                }
            ],
        }
    ],
}


@pytest.fixture
def program(client: TestClient, token: str) -> TestClient:
    """A caller with a token."""
    client.headers["Authorization"] = f"Bearer {token}"
    return client


@pytest.fixture
def run_id(orchestra: Orchestra) -> str:
    """A run that has made two issues of the demo."""
    (orchestra.workspace.root / "workflows" / "issues.json").write_text(json.dumps(ISSUES))
    run = orchestra.runs.wait(LOCAL, orchestra.runs.start(LOCAL, "issues", {}), 60)
    assert run["status"] == "succeeded", run["error"]
    return str(run["run_id"])


def states(orchestra: Orchestra) -> dict[str, str]:
    issues = orchestra.demo.show(LOCAL)["github"]["issues"]
    return {one["title"]: one["state"] for one in issues if one["title"].startswith("Undo ")}


def test_an_undo_is_shown_first_then_done_item_by_item(program: TestClient, orchestra: Orchestra, run_id: str) -> None:
    address = f"/api/runs/{run_id}"
    shown = program.get(f"{address}/undoable").json()
    assert {key: len(lines) for key, lines in shown.items()} == {"undone": 2, "refused": 0, "cannot": 0, "left": 0}
    line = shown["undone"][0]
    assert (line["run_id"], line["uses"]) == (run_id, "github.create_issue")
    assert line["note"]
    assert states(orchestra) == {"Undo a": "open", "Undo b": "open"}

    assert len(program.get(f"{address}/undoable", params={"item": "a"}).json()["undone"]) == 1
    one = program.post(f"{address}/undo", json={"item": "a"}).json()
    assert [line["key"] for line in one["undone"]] == ["a"]
    assert states(orchestra) == {"Undo a": "closed", "Undo b": "open"}

    rest = program.post(f"{address}/undo").json()
    assert ([line["key"] for line in rest["undone"]], [line["key"] for line in rest["left"]]) == (["b"], ["a"])
    assert states(orchestra) == {"Undo a": "closed", "Undo b": "closed"}
    assert all(
        step["effect"]["undone"]["by"] == "ada" for step in program.get(address).json()["steps"] if step["effect"]
    )


@pytest.mark.parametrize(("method", "action"), [("GET", "undoable"), ("POST", "undo")])
def test_a_run_that_is_not_there_is_said_so(program: TestClient, method: str, action: str) -> None:
    answer = program.request(method, f"/api/runs/20261120T120000Z-aaaaaaaa/{action}")
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "UnknownName")


def test_an_unknown_key_is_refused(program: TestClient, run_id: str) -> None:
    assert program.post(f"/api/runs/{run_id}/undo", json={"items": ["a"]}).status_code == 422
