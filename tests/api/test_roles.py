"""Every route for every role: who is let do it, and that the others change nothing.

What a route takes is what the operations take that it calls. That is read from `docs/rights.md`, not from their
declarations, which would be compared with themselves: a changed right is seen as a change of that page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from functools import cache, wraps
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from engine.orchestra import Orchestra
from engine.people.access import ROLES, Principal, Right, Role, may
from engine.people.operation import declarations_of
from engine.rights_docs import areas
from engine.store.held import HeldWrites
from engine.store.sql.held import put_held
from tests.api.bodies import bodies_of, query_of
from tests.api.conftest import LOCAL, PASSWORD
from tests.api.test_server import NAMES, every_route, every_socket, is_public
from tests.docs.pages import text_of

NAP: dict[str, Any] = {
    "schema_version": 1,
    "steps": [{"id": "nap", "uses": "flow.wait", "with": {"seconds": 3600}}],
}
BODIES: dict[str, Any] = {
    "/flows": {**NAP, "name": "saved"},
    "/flows/{name}/execute": {},
    "/workflows": {**NAP, "name": "run"},
    "/api/first-run/steps/{step}": {"choice": "none"},
    "/workflows/execute": {"workflow": "sleep"},
    "/api/workflows/{name}/validate": {"text": "{}"},
    "/api/workflows/{name}/names": {"text": "{}", "line": 9, "column": 9},
    "/api/workflows/{name}/rename": {"new": "No name"},
    "/api/workflows/{name}/rename-step": {"old": "classify", "new": "No id"},
    "/api/workflows/{name}/draft/ops": {"base_rev": "x", "ops": [{"op": "remove", "steps": ["x"]}]},
    "/api/workflows/{name}/draft/undo": {"base_rev": "x"},
    "/api/workflows/{name}/draft/redo": {"base_rev": "x"},
    "/api/copilot/proposals/{workflow}": {"base_rev": "x", "ops": [{"op": "remove", "steps": ["x"]}]},
    "/api/copilot/proposals/{workflow}/{proposal_id}/accept": {"ticks": []},
    "/api/copilot/proposals/{workflow}/{proposal_id}/restore": {"base_rev": "x"},
    "/api/copilot/answers": {"text": "undo"},
    "/api/copilot/wizard/{workflow}": {"source": "mail", "targets": [{"target": "archive"}]},
    "/api/copilot/agreement": {"host": "api.example.org", "model": "m"},
    "/api/copilot/conversations/{workflow}/preview": {"text": "undo"},
    "/api/copilot/conversations/{workflow}/turns": {"text": "undo"},
    "/api/copilot/prompts/{name}/preview": {"text": "shorter"},
    "/api/copilot/prompts/{name}/turns": {"text": "shorter"},
    "/api/copilot/prompts/{name}/proposals/{proposal_id}/test": {},
    "/api/copilot/prompts/{name}/proposals/{proposal_id}/accept": {},
    "/api/workflow-imports": {"bundle": {}},
    "/api/workflows/{name}/edit": {"ops": [{"op": "remove", "steps": ["x"]}]},
    "/api/runs/{run_id}/correct": {"step": "nap", "set": {"kind": "task"}},
    "/api/runs/{run_id}/correct/preview": {"step": "nap"},
    "/api/runs/{run_id}/debug/breakpoints": {"breakpoints": []},
    "/api/runs/{run_id}/resume": {},
    "/api/budgets/settings": {},
    "/api/settings": {},
    "/api/connections/{name}": {"service": "openai"},
    "/api/connections/{name}/key": {"key": "k"},
    "/api/connections/{name}/tools": {"tool": "say", "hash": "sha256:0"},
    "/api/connections/{name}/mode": {"mode": "demo"},
    "/api/connections/{name}/sign-in": {"client_secret": {}},
    "/api/connections/{name}/sign-in/back": {"address": "http://127.0.0.1/"},
    "/api/approvals/answers": {"answers": [{"id": "abcdefgh", "decision": "reject"}]},
    "/api/triggers/{workflow}/{trigger}/retry": {"item": "x"},
    "/api/triggers/{workflow}/{trigger}/dismiss": {"item": "x"},
}
DONE_AT_ONCE = {
    "/api/state/accept",
    "/api/approvals/{approval_id}/approve",
    "/api/approvals/{approval_id}/reject",
    "/api/runs/{run_id}/undoable",
    "/api/runs/{run_id}/undo",
}
"""What needs the right to run and leaves no run at work that the answer would have to point at."""
TRIED_ELSEWHERE = (
    "POST /api/workflows/{workflow}/rules",
    "PUT /api/workflows/{workflow}/rules",
    "DELETE /api/workflows/{workflow}/rules",
    "DELETE /api/connections/{name} ",
    "/first-run/",
    "/sign-in", "/check", "/live", "/local-models", "/api/triggers/{workflow}/{trigger}/", "/files/", "/rename",
    "/api/plans/", "/drain", "/approvals/answers", "/budgets/resume", "/correct",
    "/debug", "/draft", "{name}/edit", "-imports ", "/scope", "/choices", "/mcp", "{name}/tools",
    "/copilot/proposals", "/copilot/answers", "/copilot/wizard", "/copilot/fixes/",
    "/copilot/agreement", "/copilot/conversations/", "/copilot/prompts/",
    "/replayed", "/export", "/seen",
    # What `tests/faces` tries beside the other faces:
    "/api/agents", "/api/audit", "/api/collections", "/api/environments", "/api/files", "/api/fragments/",
    "/api/projects", "/api/tables", "/api/tools", "/api/users",
    "/branches", "/calls", "/cases", "/compar", "/copy", "/declare", "/labels/", "/tags", "/test", "/tries", "/try",
    "{version", "POST /api/prompts ", "PUT /api/prompts/", "DELETE /api/prompts/{name} ",
    "POST /api/prompts/{name}/versions ", "POST /api/workflows ", "PUT /api/workflows/",
    "DELETE /api/workflows/{name} ",
)  # fmt: skip
"""Part of a method and a path: what needs more than these tests make. Here it is only seen who is refused."""
ONLY_LOOKS = {
    "POST /api/agents/{name}/check",
    "POST /api/workflows/{name}/branches/{branch}/check",
    "POST /api/workflows/{name}/names",
    "POST /api/workflows/{name}/validate",
    "POST /mcp",
}
"""Other methods than GET that anybody may use who may see the workspace: what they are sent is only looked at."""
NO_OPERATION: dict[str, Right] = {
    "/api/plugins": "view",  # a function, of no area
    "/mcp": "view",  # what is called within it is checked there
}
"""Routes over nothing that declares a right."""
ASKING = {
    "schema_version": 1,
    "steps": [
        {"id": answer, "needs": [], "uses": "flow.approve", "with": {"message": answer}}
        for answer in ("approve", "reject")
    ],
}
ANSWERS = {"/flows": {"POST": 201}, "/workflows": {"POST": 202}}
QUERIES = {"/api/choices": {"format": "model"}, "/api/runs/{run_id}/seen": {"step": "nap"}}
NAMED = {"prompts": "classify-mail", "connections": "llm"}


@pytest.fixture
def run_id(orchestra: Orchestra) -> str:
    """A run that waits."""
    (orchestra.workspace.root / "workflows" / "sleep.json").write_text(json.dumps(NAP))
    run_id = orchestra.runs.start(LOCAL, "sleep", {})
    assert orchestra.runs.wait(LOCAL, run_id, 60)["status"] == "waiting"
    return run_id


@pytest.fixture
def questions(orchestra: Orchestra) -> dict[str, str]:
    """Two open questions: the ids, by the answer that is meant for them."""
    (orchestra.workspace.root / "workflows" / "asking.json").write_text(json.dumps(ASKING))
    orchestra.runs.wait(LOCAL, orchestra.runs.start(LOCAL, "asking", {}), 60)
    return {one.message: one.id for one in orchestra.approvals.list(LOCAL)}


def state(orchestra: Orchestra) -> tuple[object, ...]:
    """All that a route could change: runs, files, and the trail of changes."""
    rows = orchestra.runs.list(LOCAL).rows
    files = {path: path.read_bytes() for path in orchestra.workspace.root.glob("*/*.json")}
    changes = [line for line in orchestra.audit(LOCAL) if not line.action.startswith("users.")]
    return rows, files, changes


def hold_writes(orchestra: Orchestra) -> None:
    """Let there be something that a person has to accept."""
    with orchestra._families.opened.database.writing() as connection:
        put_held(connection, HeldWrites("2026-11-20T12:00:00.000Z", ["20261120T120000Z-abcdefgh"]))


def settled(orchestra: Orchestra) -> tuple[object, ...]:
    """The same, once what was started before has come as far as it does by itself."""
    for row in orchestra.runs.list(LOCAL).rows:
        orchestra.runs.wait(LOCAL, row.run_id, 60)
    return state(orchestra)


@cache
def rights() -> dict[str, Right]:
    """What each operation takes, as the page says that people read."""
    rows = re.findall(r"^\| `(\S+)` \| .* \| (?:`(\w+)`|own) \| \w+ \|$", text_of("docs/rights.md"), re.MULTILINE)
    return {name: right or "admin" for name, right in rows}  # nobody here is whom a route is about


def needed(path: str, operations: Iterable[str]) -> Right:
    """What a route takes that has called these operations."""
    found = {rights()[one] for one in operations} or {NO_OPERATION[path]}
    return max(found, key=("view", "run", "edit", "admin").index)


def routes() -> list[tuple[str, str]]:
    """Every route but the public ones, in an order in which none takes away what a later one needs."""

    def rank(route: tuple[str, str]) -> tuple[object, ...]:
        path, method = route
        is_early = any(path.endswith(one) for one in ("/cancel", "/undo"))
        return is_tried_elsewhere(path, method), ("GET", "PUT", "POST", "DELETE").index(method), not is_early, path

    return sorted((one for one in every_route() if not is_public(one[0])), key=rank)


def is_tried_elsewhere(path: str, method: str) -> bool:
    return any(part in f"{method} {path} " for part in TRIED_ELSEWHERE)


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations that ada has begun."""
    return record_operations(monkeypatch, "ada")


def record_operations(monkeypatch: pytest.MonkeyPatch, who: str) -> list[str]:
    """Note in the list that is returned each operation that somebody begins, whether or not they may."""
    names: list[str] = []

    def noting(act: Callable[..., Any], name: str) -> Callable[..., Any]:
        @wraps(act)
        def noted(area: object, p: Principal, /, *args: Any, **given: Any) -> Any:
            names.extend([name] if p.id == who else [])
            return act(area, p, *args, **given)

        return noted

    for area in areas():
        for method, declared in declarations_of(area).items():
            monkeypatch.setattr(area, method, noting(vars(area)[method], declared.name))
    return names


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_do_what_it_should_and_no_more(
    called: list[str],
    client: TestClient,
    api: FastAPI,
    orchestra: Orchestra,
    run_id: str,
    questions: dict[str, str],
    role: Role,
) -> None:
    orchestra.users.add(LOCAL, "ada", "Ada", role, PASSWORD)
    client.headers["Authorization"] = f"Bearer {orchestra.users.token('ada', PASSWORD)}"
    before: tuple[object, ...] | None = None
    for path, method in routes():
        name = NAMED.get([*path.split("/"), ""][2], "inbox-triage")
        approval_id = questions["reject" if "reject" in path else "approve"]
        run_ids = dict.fromkeys(("run_id", "good", "bad"), run_id)
        address = path.format(**{**NAMES, **run_ids, "name": name, "approval_id": approval_id})
        body = BODIES[path] if path in BODIES else bodies_of(api, method, path, "x")[0]
        query = QUERIES[path] if path in QUERIES else query_of(api, method, path, "x")
        if path == "/api/state/accept":
            hold_writes(orchestra)
            before = None
        before = settled(orchestra) if before is None else before
        called.clear()
        answer = client.request(method, address, json=body, params=query)
        assert answer.status_code < 500, (method, path, answer.text)
        assert called or path in NO_OPERATION, (method, path, answer.text)
        right = needed(path, called)
        assert right != "view" or method == "GET" or f"{method} {path}" in ONLY_LOOKS, (method, path)
        is_let = may(Principal("ada", role), right)
        if not is_let:
            assert (answer.status_code, answer.json()["error"]["type"]) == (403, "NotAllowed"), (method, path)
            assert f"ada has the role {role}" in answer.json()["error"]["message"]
        elif is_tried_elsewhere(path, method):
            assert answer.status_code != 403, (method, path, answer.text)
            before = None
            continue
        else:
            usual = 202 if right == "run" and path not in DONE_AT_ONCE else 200
            expected = ANSWERS.get(path, {}).get(method, usual)
            assert answer.status_code == expected, (method, path, answer.text)
        is_change = right != "view" and method != "GET" and is_let
        after = state(orchestra)
        assert (after != before) == is_change, (method, path)
        before = None if is_change else after


def test_every_role_may_listen_to_what_it_may_see(client: TestClient, orchestra: Orchestra, run_id: str) -> None:
    orchestra.users.add(LOCAL, "ada", "Ada", "viewer", PASSWORD)
    client.headers["Authorization"] = f"Bearer {orchestra.users.token('ada', PASSWORD)}"
    orchestra.projects.create(LOCAL, "inbox-triage")
    command = orchestra.project_runs.start(LOCAL, "inbox-triage", "true").id
    before = settled(orchestra)
    for path in every_socket():
        address = f"ws://127.0.0.1:8501{path}".format(run_id=run_id, name="inbox-triage", id=command)
        with client.websocket_connect(address) as socket:
            assert json.loads(socket.receive_text())["type"] == "snapshot", path
    assert state(orchestra) == before
