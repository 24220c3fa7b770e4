"""Runs over HTTP: start, wait, follow, list, cancel, resume, and the same request twice."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.base.statuses import Priority
from engine.orchestra import Orchestra
from tests.api.conftest import LOCAL
from tests.engine.runs.starting.test_admission import entry

RUN_KEYS = {"run_id", "workflow", "status", "started_by", "queued_at", "inputs", "outputs", "error", "usage", "steps"}
GREETING = {
    "schema_version": 1,
    "title": "Greeting",
    "inputs": {"type": "object", "properties": {"name": {"type": "string", "default": "world"}}},
    "steps": [{"id": "words", "uses": "flow.set", "with": {"values": {"text": "Hello {{ inputs.name }}"}}}],
    "outputs": {"text": "{{ steps.words.output.text }}"},
}
SLEEP = {
    "schema_version": 1,
    "title": "Sleep",
    "steps": [{"id": "nap", "uses": "flow.wait", "with": {"seconds": 3600}}],
}
REFUSAL = {
    "schema_version": 1,
    "title": "Refusal",
    "steps": [{"id": "no", "uses": "flow.assert", "with": {"condition": False, "message": "Never."}}],
}
BROKEN = {"schema_version": 1, "title": "Broken", "steps": [{"id": "x", "uses": "flow.sett", "with": {}}]}
WAIT_SECONDS = 60  # far more than it takes; a loaded machine may be slow


@pytest.fixture(autouse=True)
def workflows(orchestra: Orchestra) -> Path:
    folder = orchestra.workspace.root / "workflows"
    for name, document in {"greeting": GREETING, "sleep": SLEEP, "refusal": REFUSAL, "broken": BROKEN}.items():
        (folder / f"{name}.json").write_text(json.dumps(document))
    return folder


@pytest.fixture
def program(client: TestClient, token: str) -> TestClient:
    """A caller with a token."""
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def execute(program: TestClient, workflow: str, key: str | None = None, **body: Any) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    return program.post("/workflows/execute", json={"workflow": workflow, **body}, headers=headers)


def until(program: TestClient, run_id: str, status: str) -> dict[str, Any]:
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        run: dict[str, Any] = program.get(f"/api/runs/{run_id}").json()
        if run["status"] == status:
            return run
        time.sleep(0.05)
    raise AssertionError(f"{run_id} is {run['status']}, not {status}")


def test_a_request_may_say_how_urgent_its_run_is(program: TestClient, orchestra: Orchestra) -> None:
    for priority in Priority:
        answer = execute(program, "greeting", priority=priority.value)
        assert answer.status_code == 202, answer.text
        row = orchestra._families.work.worker.rows.get(answer.json()["run_id"])
        assert row is not None
        assert row.priority == priority.rank


def test_a_priority_that_does_not_exist_is_refused_with_those_that_do(program: TestClient) -> None:
    answer = execute(program, "greeting", priority="urgent")
    assert answer.status_code == 422
    assert "'high', 'normal' or 'low'" in answer.json()["error"]["message"]


def test_while_too_many_runs_wait_new_ones_are_refused_and_known_ones_answered(
    program: TestClient, orchestra: Orchestra
) -> None:
    first = execute(program, "greeting", "key-1", wait_seconds=WAIT_SECONDS)
    waiting = [entry(number) for number in range(orchestra.config.limits.most_waiting_runs + 2)]
    orchestra._families.work.worker.acceptances.store(waiting)  # accepted, and nobody begins with them
    time.sleep(1.1)  # for so long the last count is used
    for refused in (execute(program, "greeting", "key-2"), program.post(f"/api/runs/{first.json()['run_id']}/rerun")):
        assert (refused.status_code, refused.json()["error"]["type"]) == (429, "TooManyRuns")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert execute(program, "greeting", "key-1").json()["run_id"] == first.json()["run_id"]


def test_a_run_that_ends_in_time_is_answered_whole(program: TestClient) -> None:
    answer = execute(program, "greeting", inputs={"name": "Ada"}, wait_seconds=WAIT_SECONDS)
    run = answer.json()
    assert answer.status_code == 200
    assert set(run) >= RUN_KEYS
    assert (run["status"], run["outputs"], run["started_by"]) == ("succeeded", {"text": "Hello Ada"}, "ada")
    assert program.get(f"/api/runs/{run['run_id']}").json() == run


def test_a_run_that_fails_in_time_is_an_answer_too(program: TestClient) -> None:
    answer = execute(program, "refusal", wait_seconds=WAIT_SECONDS)
    assert (answer.status_code, answer.json()["status"]) == (200, "failed")
    assert answer.json()["error"]["type"] == "AssertionFailed"


def test_without_waiting_the_answer_says_where_to_look(program: TestClient) -> None:
    answer = execute(program, "sleep")
    assert answer.status_code == 202
    assert set(answer.json()) == {"run_id", "status", "status_url", "confirmed"}
    assert answer.json()["status_url"] == answer.headers["location"]
    assert answer.headers["location"] == f"/api/runs/{answer.json()['run_id']}"
    assert program.get(answer.headers["location"]).json()["workflow"] == "sleep"


def test_a_run_that_waits_does_not_hold_its_caller(program: TestClient) -> None:
    answer = execute(program, "sleep", wait_seconds=WAIT_SECONDS * 10)
    assert (answer.status_code, answer.json()["status"]) == (202, "waiting")


def test_a_run_is_cancelled(program: TestClient) -> None:
    run_id = execute(program, "sleep").json()["run_id"]
    until(program, run_id, "waiting")
    answer = program.post(f"/api/runs/{run_id}/cancel")
    assert (answer.status_code, answer.json()["run_id"]) == (202, run_id)
    until(program, run_id, "cancelled")
    again = program.post(f"/api/runs/{run_id}/cancel")
    assert (again.status_code, again.json()["error"]["type"]) == (409, "InUse")


def test_a_failed_run_is_resumed_under_its_own_id(program: TestClient) -> None:
    run_id = execute(program, "refusal", wait_seconds=WAIT_SECONDS).json()["run_id"]
    answer = program.post(f"/api/runs/{run_id}/resume")
    assert (answer.status_code, answer.json()["run_id"]) == (202, run_id)
    assert until(program, run_id, "failed")["run_id"] == run_id


def test_a_resumption_that_does_not_fit_is_refused(program: TestClient) -> None:
    run_id = execute(program, "refusal", wait_seconds=WAIT_SECONDS).json()["run_id"]
    for body in ({"as_done": True, "redo": True}, {"force": True}, {"redo": "yes"}):
        assert program.post(f"/api/runs/{run_id}/resume", json=body).status_code == 422, body


def test_what_has_succeeded_is_not_resumed(program: TestClient) -> None:
    run_id = execute(program, "greeting", wait_seconds=WAIT_SECONDS).json()["run_id"]
    answer = program.post(f"/api/runs/{run_id}/resume")
    assert (answer.status_code, answer.json()["error"]["type"]) == (409, "InUse")


def test_the_same_request_twice_is_one_run(program: TestClient) -> None:
    first = execute(program, "greeting", "key-1", inputs={"name": "Ada"}, wait_seconds=WAIT_SECONDS).json()
    again = execute(program, "greeting", "key-1", inputs={"name": "Ada"}, wait_seconds=WAIT_SECONDS)
    assert (again.status_code, again.json()["run_id"]) == (200, first["run_id"])
    assert len(program.get("/api/runs").json()["runs"]) == 1


def test_the_same_request_sent_at_once_is_one_run(program: TestClient) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: execute(program, "sleep", "key-1"), range(4)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["run_id"] for answer in answers}) == 1


def test_the_same_key_with_another_body_starts_nothing(program: TestClient) -> None:
    # The first run has ended: its key still stands for it.
    execute(program, "greeting", "key-1", inputs={"name": "Ada"}, wait_seconds=WAIT_SECONDS)
    others: list[tuple[str, dict[str, str]]] = [
        ("greeting", {"name": "Eve"}),
        ("greeting", {}),
        ("refusal", {"name": "Ada"}),
    ]
    for workflow, inputs in others:
        answer = execute(program, workflow, "key-1", inputs=inputs)
        assert (answer.status_code, answer.json()["error"]["type"]) == (409, "InUse"), (workflow, inputs)
    assert len(program.get("/api/runs").json()["runs"]) == 1


def test_a_key_is_good_again_after_a_request_that_was_refused(program: TestClient) -> None:
    assert execute(program, "greeting", "key-1", inputs={"name": 7}).status_code == 422
    run = execute(program, "greeting", "key-1", inputs={"name": "Ada"}, wait_seconds=WAIT_SECONDS).json()
    assert run["outputs"] == {"text": "Hello Ada"}


def test_two_people_may_use_the_same_key(program: TestClient, orchestra: Orchestra) -> None:
    from tests.api.conftest import LOCAL, PASSWORD

    first = execute(program, "greeting", "key-1", wait_seconds=WAIT_SECONDS).json()["run_id"]
    orchestra.users.add(LOCAL, "olga", "Olga", "operator", PASSWORD)
    program.headers["Authorization"] = f"Bearer {orchestra.users.token('olga', PASSWORD)}"
    assert execute(program, "refusal", "key-1", wait_seconds=WAIT_SECONDS).json()["run_id"] != first


def test_a_key_that_is_none_is_refused(program: TestClient) -> None:
    for key in ("", "x" * 256, "two words", "\xe9"):
        headers = [(b"Idempotency-Key", key.encode("latin-1"))]
        answer = program.post("/workflows/execute", json={"workflow": "greeting"}, headers=headers)
        assert answer.status_code == 422, key
        assert answer.json()["error"]["problems"][0]["field"] == "header.idempotency-key"


def test_a_run_that_cannot_be_is_refused_with_a_remedy(program: TestClient) -> None:
    wrong: list[tuple[str, dict[str, Any], int, str]] = [
        ("nope", {}, 404, "UnknownName"),
        ("../config", {}, 422, "InvalidInput"),
        ("greeting", {"nmae": "Ada"}, 422, "InvalidInput"),
        ("greeting", {"name": 7}, 422, "InvalidInput"),
        ("broken", {}, 422, "InvalidFile"),
    ]
    for workflow, inputs, status, kind in wrong:
        answer = execute(program, workflow, inputs=inputs)
        error = answer.json()["error"]
        assert (answer.status_code, error["type"]) == (status, kind), (workflow, inputs)
        assert error["message"]
        assert error["remedy"]
    assert program.get("/api/runs").json()["runs"] == []


def test_a_run_whose_accounts_have_no_key_is_refused(program: TestClient, orchestra: Orchestra) -> None:
    orchestra.connections.add(LOCAL, "web", "http", {"headers": {"Authorization": "env:WEB_TOKEN"}})
    step = {"id": "get", "uses": "http.request", "connection": "web", "with": {"url": "https://a.example/"}}
    document = {"schema_version": 1, "steps": [step], "outputs": {"status": "{{ steps.get.output.status }}"}}
    problems = orchestra.workflows.save(LOCAL, "keyless", json.dumps(document), None).problems
    assert [one for one in problems if one.severity == "error"] == []
    answer = execute(program, "keyless")
    assert (answer.status_code, answer.json()["error"]["type"]) == (422, "InvalidInput")
    assert answer.json()["error"]["message"] == "The connection 'web' has no key: WEB_TOKEN is not set."
    assert "WEB_TOKEN" in answer.json()["error"]["remedy"]
    assert program.get("/api/runs").json()["runs"] == []


def test_the_problems_of_a_file_come_with_their_places(program: TestClient) -> None:
    [problem] = execute(program, "broken").json()["error"]["problems"]
    assert problem["file"] == "workflows/broken.json"
    assert problem["step"] == "x"
    assert set(problem) == {"severity", "file", "line", "column", "step", "field", "code", "message", "remedy"}


def test_a_run_that_is_not_there_is_said_so(program: TestClient) -> None:
    for run_id in ("20261120T120000Z-aaaaaaaa", "nope", "..%2f..%2fconfig"):
        for action in ("", "/cancel", "/resume"):
            answer = program.request("POST" if action else "GET", f"/api/runs/{run_id}{action}")
            assert answer.status_code == 404, (run_id, action)
            assert answer.json()["error"]["message"]


def test_the_list_is_paged_newest_first(program: TestClient) -> None:
    started = [execute(program, "greeting", wait_seconds=WAIT_SECONDS).json()["run_id"] for _ in range(5)]
    seen: list[str] = []
    before: str | None = None
    for size in (2, 2, 1):
        page = program.get("/api/runs?limit=2" + (f"&before={before}" if before else "")).json()
        assert len(page["runs"]) == size
        seen += [row["run_id"] for row in page["runs"]]
        before = page["next"]
    assert before is None
    assert sorted(seen, reverse=True) == seen
    assert set(seen) == set(started)


def test_the_list_is_filtered(program: TestClient) -> None:
    execute(program, "greeting", wait_seconds=WAIT_SECONDS)
    execute(program, "refusal", wait_seconds=WAIT_SECONDS)

    def found(**query: str) -> list[str]:
        return [row["workflow"] for row in program.get("/api/runs", params=query).json()["runs"]]

    assert found(status="failed") == ["refusal"]
    assert found(workflow="greeting") == ["greeting"]
    assert found(text="refus") == ["refusal"]
    assert sorted(found(since="2001-01-01T00:00:00+05:00")) == ["greeting", "refusal"]
    assert found(since="2999-01-01T00:00:00Z") == []
    assert found(status="waiting") == []
    assert [found(workflow=name) for name in ("\0", "../greeting", "Greeting", "a b")] == [[]] * 4


def test_a_line_of_the_list_says_what_a_person_wants_to_know(program: TestClient) -> None:
    run = execute(program, "greeting", wait_seconds=WAIT_SECONDS).json()
    [row] = program.get("/api/runs").json()["runs"]
    assert (row["run_id"], row["title"], row["status"], row["started_by"]) == (
        run["run_id"],
        "Greeting",
        "succeeded",
        "ada",
    )
    assert (row["queued_at"], row["ended_at"]) == (run["queued_at"], run["ended_at"])
