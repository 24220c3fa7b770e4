"""Over the API nothing is written to a real account unless a request, or somebody before, agreed to it by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.orchestra import Orchestra
from tests.api.conftest import LOCAL
from tests.engine.conftest import Service, get_step, post_step, service, write_workflow
from tests.patience import PATIENCE_SECONDS

__all__ = ["service"]
Json = dict[str, Any]


@pytest.fixture
def account(orchestra: Orchestra, service: Service) -> Service:
    """The real account of the workspace, which counts what is sent to it, and a workflow that writes to it."""
    root = orchestra.workspace.root
    _connect(orchestra, service)
    trigger = {"id": "drop", "uses": "folder.new_file", "with": {"path": "drop", "still_seconds": 0}}
    steps = [get_step("look", service.url("/look")), post_step("post", service.url("/write"))]
    write_workflow(root, "work", steps, triggers=[trigger])
    (root / "drop").mkdir()
    return service


def _connect(orchestra: Orchestra, service: Service, *more: str) -> None:
    hosts = [f"127.0.0.1:{service.port}", *more]
    lines = ["connections:", "  web:", "    service: http", f"    allow_hosts: {hosts}"]
    lines += ["approvals:", "  http.request: never", ""]
    (orchestra.workspace.root / "config.yaml").write_text("\n".join(lines))


def _ran(orchestra: Orchestra) -> str:
    run_id = orchestra.runs.start(LOCAL.agreeing(True), "work", {})
    orchestra.runs.wait(LOCAL, run_id, PATIENCE_SECONDS)
    return run_id


def _failed(orchestra: Orchestra, service: Service) -> str:
    service.answers["/look"] = [404]
    return _ran(orchestra)


Door = Callable[[Orchestra, Service], tuple[str, Json]]
DOORS: dict[str, Door] = {
    "execute": lambda _o, _s: ("/workflows/execute", {"workflow": "work", "inputs": {}, "wait_seconds": 30}),
    "execute one step": lambda o, _s: ("/workflows/execute", {"workflow": "work", "only": "post", "from_run": _ran(o)}),
    "rerun": lambda o, _s: (f"/api/runs/{_ran(o)}/rerun", {"receipts": "force"}),
    "resume": lambda o, s: (f"/api/runs/{_failed(o, s)}/resume", {}),
    "resume newest": lambda o, s: (f"/api/runs/{_failed(o, s)}/resume", {"newest": True}),
    "turn on": lambda _o, _s: ("/api/triggers/work/drop/on", {"now": True}),
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_a_request_is_refused_with_the_names_until_it_agrees(
    client: TestClient, orchestra: Orchestra, account: Service, token: str, door: Door
) -> None:
    path, body = door(orchestra, account)
    _connect(orchestra, account, "tickets.example")
    headers = {"Authorization": f"Bearer {token}"}
    before = account.seen["/write"]
    for confirmed in (None, False, [], ["web:another:write"]):
        asked = body if confirmed is None else {**body, "confirmed": confirmed}
        refused = client.post(path, json=asked, headers=headers)
        assert (refused.status_code, account.seen["/write"]) == (409, before)
        error = refused.json()["error"]
        assert error["type"] == "ConfirmationNeeded"
        assert error["needs_confirmation"] == [f"web:127.0.0.1:{account.port},tickets.example:write"]
    agreed = client.post(path, json={**body, "confirmed": error["needs_confirmation"]}, headers=headers)
    assert agreed.status_code in (200, 202), agreed.text


def test_true_agrees_to_all_of_it_and_the_answer_names_it(client: TestClient, account: Service, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    body = {"workflow": "work", "confirmed": True}
    accepted = client.post("/workflows/execute", json=body, headers=headers)
    assert accepted.json()["confirmed"] == [f"web:127.0.0.1:{account.port}:write"]
    again = client.post("/workflows/execute", json={"workflow": "work", "wait_seconds": 30}, headers=headers)
    assert (again.status_code, again.json()["confirmed"]) == (200, [])


def test_a_plan_asks_for_the_same_consent_and_writes_nothing(client: TestClient, account: Service, token: str) -> None:
    account.texts["/look"] = '{"always": "the same"}'
    headers = {"Authorization": f"Bearer {token}"}
    body = {"workflow": "work", "plan": True, "wait_seconds": 30}
    refused = client.post("/workflows/execute", json=body, headers=headers)
    assert (refused.status_code, refused.json()["error"]["type"]) == (409, "ConfirmationNeeded")
    plan = client.post("/workflows/execute", json={**body, "confirmed": True}, headers=headers).json()
    assert [write["uses"] for write in plan["writes"]] == ["http.request"]
    assert account.seen["/write"] == 0
    assert client.get("/api/plans", headers=headers).json()["plans"][0]["plan_id"] == plan["plan_id"]
    shown = client.get(f"/api/plans/{plan['plan_id']}", headers=headers).json()
    assert (shown["state"], shown["writes"]) == ("open", plan["writes"])
    address = f"/api/plans/{plan['plan_id']}/apply"
    run = client.post(address, json={"wait_seconds": 30}, headers=headers).json()
    assert (run["status"], account.seen["/write"]) == ("succeeded", 1)
    again = client.post(address, headers=headers)
    assert (again.status_code, again.json()["error"]["type"]) == (409, "PlanDrift")
    assert run["run_id"] in again.json()["error"]["differences"][0]["after"]
    assert account.seen["/write"] == 1
