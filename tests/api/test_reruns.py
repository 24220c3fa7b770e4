"""Running again, going on with a newer file, and testing a part, over HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.orchestra import Orchestra

WAIT_SECONDS = 60
TWO: dict[str, Any] = {
    "schema_version": 1,
    "title": "Two",
    "inputs": {"type": "object", "properties": {"name": {"type": "string", "default": "world"}}},
    "steps": [
        {"id": "first", "uses": "flow.set", "with": {"values": {"text": "Hello {{ inputs.name }}"}}},
        {"id": "second", "uses": "flow.set", "with": {"values": {"text": "{{ steps.first.output.text }}!"}}},
    ],
    "outputs": {"text": "{{ steps.second.output.text }}"},
}


@pytest.fixture
def folder(orchestra: Orchestra) -> Path:
    """The folder of the workflows, with one in it."""
    folder = orchestra.workspace.root / "workflows"
    (folder / "two.json").write_text(json.dumps(TWO))
    return folder


@pytest.fixture
def program(client: TestClient, token: str, folder: Path) -> TestClient:
    """A caller with a token."""
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def executed(program: TestClient, **body: Any) -> dict[str, Any]:
    answer = program.post("/workflows/execute", json={"workflow": "two", "wait_seconds": WAIT_SECONDS, **body})
    assert answer.status_code == 200, answer.text
    run: dict[str, Any] = answer.json()
    return run


def ended(program: TestClient, orchestra: Orchestra, answer: Any) -> dict[str, Any]:
    """The run that an answer points at, at its end."""
    from tests.api.conftest import LOCAL

    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/api/runs/{answer.json()['run_id']}"
    orchestra.runs.wait(LOCAL, answer.json()["run_id"], WAIT_SECONDS)
    run: dict[str, Any] = program.get(answer.headers["location"]).json()
    return run


def test_a_run_is_run_again_with_its_inputs(program: TestClient, orchestra: Orchestra) -> None:
    first = executed(program, inputs={"name": "Ada"})
    again = ended(program, orchestra, program.post(f"/api/runs/{first['run_id']}/rerun"))
    assert again["run_id"] != first["run_id"]
    assert again["origin_run_id"] == first["run_id"]
    assert (again["outputs"], again["options"]) == ({"text": "Hello Ada!"}, {})


def test_inputs_receipts_and_answers_of_a_rerun_can_be_chosen(program: TestClient, orchestra: Orchestra) -> None:
    first = executed(program, inputs={"name": "Ada"})
    how = {"inputs": {"name": "Eve"}, "receipts": "force", "replay": True}
    again = ended(program, orchestra, program.post(f"/api/runs/{first['run_id']}/rerun", json=how))
    assert again["outputs"] == {"text": "Hello Eve!"}
    assert again["options"] == {"receipts": "force", "replay": first["run_id"]}


def test_the_same_rerun_twice_is_one_run(program: TestClient) -> None:
    address = f"/api/runs/{executed(program)['run_id']}/rerun"
    ids = {program.post(address, headers={"Idempotency-Key": "key-1"}).json()["run_id"] for _ in range(2)}
    assert len(ids) == 1
    assert len(program.get("/api/runs").json()["runs"]) == 2


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"receipts": "twice"}, id="no such way"),
        pytest.param({"replay": "yes"}, id="text for a truth"),
        pytest.param({"inputs": {"nmae": "Ada"}}, id="unknown input"),
        pytest.param({"force": True}, id="unknown key"),
    ],
)
def test_a_rerun_that_does_not_fit_is_refused(program: TestClient, how: dict[str, Any]) -> None:
    address = f"/api/runs/{executed(program)['run_id']}/rerun"
    assert program.post(address, json=how).status_code == 422
    assert len(program.get("/api/runs").json()["runs"]) == 1


def test_one_step_runs_alone_with_what_was_recorded(program: TestClient) -> None:
    first = executed(program, inputs={"name": "Ada"})
    test = executed(program, inputs={"name": "Eve"}, only="second", from_run=first["run_id"])
    assert {step["path"]: step["output"] for step in test["steps"]} == {
        "first": {"text": "Hello Ada"},
        "second": {"text": "Hello Ada!"},
    }
    assert [step.get("pinned") for step in test["steps"]] == [True, None]
    rows = program.get("/api/runs").json()["runs"]
    assert [(row["is_test"], row["kind"]) for row in rows] == [(True, "part"), (False, "run")]
    assert (test["kind"], first["kind"]) == ("part", "run")


def test_a_pinned_output_is_taken_instead_of_running_the_step(program: TestClient) -> None:
    assert executed(program, pins={"first": {"text": "Bye"}})["outputs"] == {"text": "Bye!"}


def test_a_pin_of_no_step_is_refused(program: TestClient) -> None:
    answer = program.post("/workflows/execute", json={"workflow": "two", "pins": {"fist": {}}})
    assert (answer.status_code, answer.json()["error"]["type"]) == (422, "InvalidInput")
    assert "first" in answer.json()["error"]["remedy"]


def broken_off(program: TestClient, folder: Path) -> dict[str, Any]:
    """A run whose second step has failed."""
    fail = {"id": "second", "uses": "flow.fail", "with": {"message": "No."}}
    (folder / "two.json").write_text(json.dumps({**TWO, "steps": [TWO["steps"][0], fail], "outputs": {}}))
    run = executed(program)
    assert run["status"] == "failed"
    return run


def test_a_run_goes_on_with_the_file_as_it_is_now(program: TestClient, orchestra: Orchestra, folder: Path) -> None:
    run = broken_off(program, folder)
    (folder / "two.json").write_text(json.dumps(TWO))
    resumed = ended(program, orchestra, program.post(f"/api/runs/{run['run_id']}/resume", json={"newest": True}))
    assert (resumed["run_id"], resumed["status"]) == (run["run_id"], "succeeded")
    assert resumed["outputs"] == {"text": "Hello world!"}


def test_what_has_finished_otherwise_is_named_as_a_difference(program: TestClient, folder: Path) -> None:
    run = broken_off(program, folder)
    changed = json.dumps(TWO).replace("Hello", "Goodbye")
    (folder / "two.json").write_text(changed)
    answer = program.post(f"/api/runs/{run['run_id']}/resume", json={"newest": True})
    assert (answer.status_code, answer.json()["error"]["type"]) == (422, "InvalidInput")
    [difference] = answer.json()["error"]["differences"]
    assert difference["step"] == "first"
    assert "Goodbye" in str(difference["new"])


def test_several_statuses_and_the_caller_filter_the_list(program: TestClient, folder: Path) -> None:
    executed(program)
    broken_off(program, folder)

    def found(query: str) -> list[str]:
        return [row["status"] for row in program.get(f"/api/runs?{query}").json()["runs"]]

    assert found("status=failed&status=succeeded") == ["failed", "succeeded"]
    assert found("status=failed&status=waiting") == ["failed"]
    assert found("until=2001-01-01T00:00:00Z") == []
    assert found("until=2999-01-01T00:00:00%2B05:00") == ["failed", "succeeded"]
    assert found("parent=20261120T120000Z-aaaaaaaa") == []
    assert found("trigger=new_mail") == []
    assert found("demo=true") == []


def test_two_runs_are_compared(program: TestClient, folder: Path) -> None:
    good, bad = executed(program, inputs={"name": "Ada"}), executed(program, inputs={"name": "Eve"})
    found = program.get(f"/api/runs/{good['run_id']}/diff/{bad['run_id']}").json()
    assert (found["good"], found["bad"]) == (good["run_id"], bad["run_id"])
    assert found["first"]["path"] == "first"
    assert {"field": "inputs.name", "good": "Ada", "bad": "Eve"} in found["run"]
    assert program.get(f"/api/runs/{good['run_id']}/diff/{good['run_id']}").json()["first"] is None
    assert program.get(f"/api/runs/{good['run_id']}/diff/20261120T120000Z-aaaaaaaa").status_code == 404


def test_a_run_leaves_and_comes_back_as_a_file(program: TestClient, orchestra: Orchestra) -> None:
    run = executed(program, inputs={"name": "Ada"})
    file = program.get(f"/api/runs/{run['run_id']}/export")
    assert file.headers["content-disposition"].endswith(f"{run['run_id']}.zip")
    replay = ended(program, orchestra, program.post("/api/run-imports", content=file.content))
    assert (replay["status"], replay["outputs"]) == ("succeeded", {"text": "Hello Ada!"})
    compared = program.get(f"/api/runs/{replay['run_id']}/replayed")
    assert compared.status_code == 200, compared.text
    refused = program.post("/api/run-imports", content=b"no zip")
    assert (refused.status_code, refused.json()["error"]["type"]) == (422, "InvalidFile")
