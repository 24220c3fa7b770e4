"""Triggers over HTTP: listed, looked through, turned on and off, and what they could not process."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.orchestra import Orchestra
from tests.patience import PATIENCE_SECONDS

WATCHER: dict[str, Any] = {
    "schema_version": 1,
    "title": "Read files",
    "inputs": {"type": "object", "properties": {"path": {"type": "string", "maxLength": 8}}},
    "triggers": [
        {
            "id": "dropped",
            "uses": "folder.new_file",
            "poll_seconds": 1,
            "with": {"path": "drop", "still_seconds": 0},
            "inputs": {"path": "{{ item.name }}"},
        }
    ],
    "steps": [{"id": "note", "uses": "flow.set", "with": {"values": {"path": "{{ inputs.path }}"}}}],
    "outputs": {"path": "{{ steps.note.output.path }}"},
}
PLACE = "/api/triggers/watcher/dropped"


@pytest.fixture
def program(client: TestClient, token: str) -> TestClient:
    """A caller with a token."""
    client.headers["Authorization"] = f"Bearer {token}"
    return client


@pytest.fixture
def drop(orchestra: Orchestra) -> Path:
    """A folder that a workflow watches, once it is told to."""
    root = orchestra.workspace.root
    (root / "workflows" / "watcher.json").write_text(json.dumps(WATCHER))
    (root / "drop").mkdir()
    return root / "drop"


def _polled(program: TestClient) -> dict[str, Any]:
    answer = program.post(f"{PLACE}/poll")
    assert answer.status_code == 200, answer.text
    [result] = answer.json()["results"]
    return dict(result)


def _looked(program: TestClient) -> None:
    """Wait for the first look, whoever makes it."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while program.get(PLACE).json()["succeeded_at"] is None:
        assert time.monotonic() < ends_at
        _polled(program)


def test_a_trigger_is_looked_through_and_turned_on_and_off(program: TestClient, drop: Path) -> None:
    (drop / "a.txt").write_text("Hello")
    [one] = [one for one in program.get("/api/triggers").json()["triggers"] if one["workflow"] == "watcher"]
    assert (one["id"], one["is_on"], one["fields"]) == ("dropped", False, WATCHER["triggers"][0]["with"])
    preview = program.post(f"{PLACE}/preview", json={"last": 5}).json()
    assert (preview["count"], preview["items"][0]["title"]) == (1, "a.txt")
    assert preview["items"][0]["inputs"] == {"path": "a.txt"}
    assert program.get("/api/runs").json()["runs"] == []
    on = program.post(f"{PLACE}/on", json={"now": True})
    assert (on.status_code, on.json()["is_on"]) == (200, True)
    off = program.post(f"{PLACE}/off")
    assert (off.status_code, off.json()["is_on"]) == (200, False)


def test_a_workflow_that_is_not_there_has_no_list(program: TestClient, drop: Path) -> None:
    del drop
    for name, code in (("wacther", 404), ("\0", 422), ("../watcher", 422)):
        assert program.get("/api/triggers", params={"workflow": name}).status_code == code, name


def test_the_first_time_a_beginning_has_to_be_given(program: TestClient, drop: Path) -> None:
    del drop
    answer = program.post(f"{PLACE}/on")
    assert answer.status_code == 422
    assert "has never been on" in answer.json()["error"]["message"]


@pytest.mark.parametrize("more", [{"now": True}, {"since": "2026-01-01T00:00:00Z"}], ids=["now", "since"])
def test_two_beginnings_at_once_are_refused(program: TestClient, drop: Path, more: dict[str, Any]) -> None:
    del drop
    for what in ("preview", "on"):
        answer = program.post(f"{PLACE}/{what}", json={"last": 2, **more})
        error = answer.json()["error"]
        assert answer.status_code == 422
        assert error["message"] == "The request is not valid: body: Give one of now, last and since."
        assert error["problems"] == [{"field": "body", "message": "Give one of now, last and since"}]


def test_a_trigger_whose_file_is_gone_is_turned_off(program: TestClient, drop: Path) -> None:
    program.post(f"{PLACE}/on", json={"now": True})
    (drop.parent / "workflows" / "watcher.json").unlink()
    off = program.post(f"{PLACE}/off")
    assert (off.status_code, off.json()["is_on"]) == (200, False)
    assert program.get("/api/triggers/alarms").json()["alarms"] == []


def test_a_trigger_whose_file_is_broken_names_file_and_way_out(program: TestClient, drop: Path) -> None:
    program.post(f"{PLACE}/on", json={"now": True})
    (drop.parent / "workflows" / "watcher.json").write_text("{")
    [one] = [one for one in program.get("/api/triggers").json()["triggers"] if one["is_on"]]
    assert (one["state"], one["error"], one["problem"]["type"]) == ("broken", None, "InvalidFile")
    assert "workflows/watcher.json" in one["problem"]["message"]
    assert "GET /api/workflows/watcher" in one["problem"]["remedy"]


def test_a_new_thing_starts_one_run(program: TestClient, drop: Path) -> None:
    program.post(f"{PLACE}/on", json={"now": True})
    _looked(program)
    (drop / "b.txt").write_text("Hello")
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not (runs := program.get("/api/runs", params={"trigger": "dropped"}).json()["runs"]):
        assert time.monotonic() < ends_at
        _polled(program)
    assert len(runs) == 1
    run = program.get(f"/api/runs/{runs[0]['run_id']}").json()
    assert (run["inputs"], run["trigger"]["id"], run["trigger"]["title"]) == ({"path": "b.txt"}, "dropped", "b.txt")


def test_what_cannot_become_a_run_is_listed_and_dismissed(program: TestClient, drop: Path) -> None:
    program.post(f"{PLACE}/on", json={"now": True})
    _looked(program)
    (drop / "too-long-a-name.txt").write_text("Hello")
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not (items := program.get("/api/triggers/dead").json()["dead"]):
        assert time.monotonic() < ends_at
        _polled(program)
    assert items[0]["error"]["type"] == "InvalidInput"
    refused = program.post(f"{PLACE}/retry", json={"item": items[0]["item"]})
    assert refused.status_code == 422
    assert program.post(f"{PLACE}/dismiss", json={"item": items[0]["item"]}).status_code == 204
    assert program.get("/api/triggers/dead").json()["dead"] == []
    assert program.get("/api/triggers/alarms").json()["alarms"] == []


def test_every_trigger_type_tells_its_fields(program: TestClient) -> None:
    kinds = {one["name"]: one for one in program.get("/api/triggers/types").json()["trigger_types"]}
    assert {"schedule", "gmail.new_message", "folder.new_file", "workflow.finished"} <= kinds.keys()
    assert "query" in kinds["gmail.new_message"]["fields_schema"]["properties"]
    assert kinds["gmail.new_message"]["item_schema"]["properties"]["subject"]["outside"] is True


def test_nobody_sees_triggers_without_signing_in(client: TestClient) -> None:
    assert client.get("/api/triggers").status_code == 401
    assert client.post(f"{PLACE}/on", json={"now": True}).status_code == 401
