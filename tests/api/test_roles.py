"""Every route for every role: who is let do it, and that the others change nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.orchestra import Orchestra
from engine.people.access import ROLES, Principal, Right, Role, may
from engine.store.held import Held
from engine.store.sql.held import put_held
from tests.api.conftest import LOCAL, PASSWORD
from tests.api.test_server import NAMES, every_route, every_socket, is_public

RIGHTS: dict[tuple[str, str], Right] = {
    ("/api/workflows", "GET"): "view",
    ("/api/workflows/{name}", "GET"): "view",
    ("/api/workflows/{name}/validate", "POST"): "view",
    ("/api/workflows/{name}/names", "POST"): "view",
    ("/api/workflows/{name}/rename", "POST"): "edit",
    ("/api/workflows/{name}/rename-step", "POST"): "edit",
    ("/api/workflows/{name}/looks", "GET"): "view",
    ("/api/workflows/{name}/positions", "GET"): "view",
    ("/api/workflows/{name}/canvas", "GET"): "view",
    ("/api/workflows/{name}/scope", "GET"): "view",
    ("/api/workflows/{name}/prediction", "GET"): "view",
    ("/api/workflows/{name}/versions", "GET"): "view",
    ("/api/workflows/{name}/differences", "GET"): "view",
    ("/api/workflows/{name}/draft/ops", "POST"): "edit",
    ("/api/workflows/{name}/draft/undo", "POST"): "edit",
    ("/api/workflows/{name}/draft/redo", "POST"): "edit",
    ("/api/workflows/{name}/draft", "DELETE"): "edit",
    ("/api/workflows/{name}/edit", "POST"): "edit",
    ("/api/workflows/{name}/export", "GET"): "view",
    ("/api/workflow-imports", "POST"): "edit",
    ("/api/copilot/answers", "POST"): "edit",
    ("/api/copilot/setup", "GET"): "edit",
    ("/api/copilot/agreement", "PUT"): "edit",
    ("/api/copilot/agreement", "DELETE"): "edit",
    ("/api/copilot/conversations/{workflow}", "GET"): "edit",
    ("/api/copilot/conversations/{workflow}", "DELETE"): "edit",
    ("/api/copilot/conversations/{workflow}/preview", "POST"): "edit",
    ("/api/copilot/conversations/{workflow}/turns", "POST"): "edit",
    ("/api/copilot/conversations/{workflow}/turns/{turn_id}/stop", "POST"): "edit",
    ("/api/copilot/fixes/{workflow}", "GET"): "edit",
    ("/api/copilot/runs/{run_id}/story", "GET"): "view",
    ("/api/copilot/wizard", "GET"): "edit",
    ("/api/copilot/wizard/{workflow}", "POST"): "edit",
    ("/api/copilot/prompts/{name}", "GET"): "edit",
    ("/api/copilot/prompts/{name}", "DELETE"): "edit",
    ("/api/copilot/prompts/{name}/preview", "POST"): "edit",
    ("/api/copilot/prompts/{name}/turns", "POST"): "edit",
    ("/api/copilot/prompts/{name}/turns/{turn_id}/stop", "POST"): "edit",
    ("/api/copilot/prompts/{name}/proposals", "GET"): "edit",
    ("/api/copilot/prompts/{name}/proposals/{proposal_id}/test", "POST"): "edit",
    ("/api/copilot/prompts/{name}/proposals/{proposal_id}/accept", "POST"): "edit",
    ("/api/copilot/prompts/{name}/proposals/{proposal_id}/reject", "POST"): "edit",
    ("/api/copilot/proposals/{workflow}", "GET"): "edit",
    ("/api/copilot/proposals/{workflow}", "POST"): "edit",
    ("/api/copilot/proposals/{workflow}/{proposal_id}", "GET"): "edit",
    ("/api/copilot/proposals/{workflow}/{proposal_id}/accept", "POST"): "edit",
    ("/api/copilot/proposals/{workflow}/{proposal_id}/reject", "POST"): "edit",
    ("/api/copilot/proposals/{workflow}/{proposal_id}/demo", "POST"): "edit",
    ("/api/copilot/proposals/{workflow}/{proposal_id}/before", "GET"): "edit",
    ("/api/copilot/proposals/{workflow}/{proposal_id}/restore", "POST"): "edit",
    ("/api/prompts", "GET"): "view",
    ("/api/prompts/{name}", "GET"): "view",
    ("/api/prompts/{name}/text", "GET"): "view",
    ("/api/fragments", "GET"): "view",
    ("/api/prompts/{name}/versions", "GET"): "view",
    ("/api/prompts/{name}/differences", "GET"): "view",
    ("/api/connections", "GET"): "view",
    ("/api/choices", "GET"): "run",
    ("/api/connections/{name}", "GET"): "view",
    ("/api/connections/{name}", "PUT"): "admin",
    ("/api/connections/{name}/check", "POST"): "run",
    ("/api/connections/{name}/key", "POST"): "admin",
    ("/api/connections/{name}/key", "DELETE"): "admin",
    ("/api/connections/{name}/mode", "POST"): "admin",
    ("/api/connections/{name}/tools", "GET"): "admin",
    ("/api/connections/{name}/tools", "POST"): "admin",
    ("/api/connections/{name}/tools/{tool}", "DELETE"): "admin",
    ("/api/connections/{name}/sign-in", "GET"): "view",
    ("/api/connections/{name}/sign-in", "POST"): "admin",
    ("/api/connections/{name}/sign-in/back", "POST"): "admin",
    ("/api/local-models", "GET"): "run",
    ("/api/troubles", "GET"): "view",
    ("/api/triggers", "GET"): "view",
    ("/api/triggers/types", "GET"): "view",
    ("/api/triggers/alarms", "GET"): "view",
    ("/api/triggers/dead", "GET"): "view",
    ("/api/triggers/forms", "GET"): "view",
    ("/api/triggers/{workflow}/{trigger}/rotate", "POST"): "edit",
    ("/api/triggers/{workflow}/{trigger}", "GET"): "view",
    ("/api/triggers/{workflow}/{trigger}/preview", "POST"): "run",
    ("/api/triggers/{workflow}/{trigger}/on", "POST"): "edit",
    ("/api/triggers/{workflow}/{trigger}/off", "POST"): "edit",
    ("/api/triggers/{workflow}/{trigger}/poll", "POST"): "run",
    ("/api/triggers/{workflow}/{trigger}/retry", "POST"): "run",
    ("/api/triggers/{workflow}/{trigger}/dismiss", "POST"): "run",
    ("/api/step-types", "GET"): "view",
    ("/api/step-types/fitting", "GET"): "view",
    ("/api/gallery", "GET"): "view",
    ("/api/runs", "GET"): "view",
    ("/api/runs/{run_id}", "GET"): "view",
    ("/api/runs/{run_id}/files/{sha256}", "GET"): "view",
    ("/api/runs/{run_id}/live", "GET"): "view",
    ("/api/runs/{run_id}/timeline", "GET"): "view",
    ("/api/runs/{run_id}/seen", "GET"): "view",
    ("/api/runs/{run_id}/replayed", "GET"): "view",
    ("/api/runs/{run_id}/export", "GET"): "run",
    ("/api/run-imports", "POST"): "run",
    ("/api/runs/{good}/diff/{bad}", "GET"): "view",
    ("/api/runs/{run_id}/cancel", "POST"): "run",
    ("/api/runs/{run_id}/debug", "GET"): "view",
    ("/api/runs/{run_id}/debug/breakpoints", "PUT"): "run",
    ("/api/runs/{run_id}/debug/continue", "POST"): "run",
    ("/api/runs/{run_id}/debug/step", "POST"): "run",
    ("/api/workflows/{name}/debug", "POST"): "run",
    ("/api/runs/{run_id}/correct", "POST"): "run",
    ("/api/runs/{run_id}/correct/preview", "POST"): "run",
    ("/api/runs/{run_id}/undoable", "GET"): "run",
    ("/api/runs/{run_id}/undo", "POST"): "run",
    ("/api/runs/{run_id}/resume", "POST"): "run",
    ("/api/runs/{run_id}/rerun", "POST"): "run",
    ("/api/approvals", "GET"): "view",
    ("/api/approvals/warnings", "GET"): "view",
    ("/api/approvals/{approval_id}", "GET"): "view",
    ("/api/approvals/{approval_id}/approve", "POST"): "run",
    ("/api/approvals/{approval_id}/reject", "POST"): "run",
    ("/api/approvals/answers", "POST"): "run",
    ("/api/attention", "GET"): "view",
    ("/api/budgets", "GET"): "view",
    ("/api/usage", "GET"): "view",
    ("/api/usage/csv", "GET"): "view",
    ("/api/usage/runs", "GET"): "view",
    ("/api/usage/runs/{run_id}", "GET"): "view",
    ("/metrics", "GET"): "view",
    ("/flows", "GET"): "view",
    ("/flows", "POST"): "edit",
    ("/flows/{name}/execute", "POST"): "run",
    ("/workflows", "POST"): "edit",
    ("/workflows/{run_id}", "GET"): "view",
    ("/api/budgets/resume", "POST"): "run",
    ("/api/budgets/settings", "GET"): "view",
    ("/api/budgets/settings", "PUT"): "admin",
    ("/api/plugins", "GET"): "view",
    ("/api/settings", "GET"): "admin",
    ("/api/settings", "PUT"): "admin",
    ("/api/plans", "GET"): "view",
    ("/api/plans/{plan_id}", "GET"): "view",
    ("/api/plans/{plan_id}/again", "POST"): "run",
    ("/api/plans/{plan_id}/apply", "POST"): "run",
    ("/api/first-run", "GET"): "view",
    ("/api/first-run/steps/{step}", "PUT"): "edit",
    ("/api/first-run/steps/{step}/skip", "POST"): "edit",
    ("/api/first-run/plan", "POST"): "edit",
    ("/api/first-run/apply", "POST"): "run",
    ("/api/search", "GET"): "view",
    ("/api/state", "GET"): "view",
    ("/api/state/accept", "POST"): "run",
    ("/api/workers", "GET"): "view",
    ("/api/workers/check", "GET"): "view",
    ("/api/workers/{worker_id}/drain", "POST"): "admin",
    ("/workflows/execute", "POST"): "run",
    ("/mcp", "POST"): "view",
}
SOCKETS: dict[str, Right] = {
    "/api/ws/runs/{run_id}": "view",
    "/api/ws/workflows/{name}": "view",
    "/api/ws/projects/{name}/runs/{id}": "view",
}
IN_CONTRACT: dict[tuple[str, str], Right] = {
    ("/api/workflows/{name}/steps/{step}/try", "GET"): "view",
    ("/api/workflows/{name}/steps/{step}/try", "POST"): "run",
    ("/api/workflows/{name}/versions/{version}", "GET"): "view",
    ("/api/workflows/{name}/versions/{version}/restore", "POST"): "edit",
    ("/api/workflows/{name}/labels/{label}", "PUT"): "edit",
    ("/api/workflows/{name}/labels/{label}", "DELETE"): "edit",
    ("/api/workflows/{name}/labels/{label}/rename", "POST"): "edit",
    ("/api/workflows", "POST"): "edit",
    ("/api/workflows/{name}", "PUT"): "edit",
    ("/api/workflows/{name}", "DELETE"): "edit",
    ("/api/workflows/{name}/copy", "POST"): "edit",
    ("/api/workflows/{name}/looks", "PUT"): "edit",
    ("/api/workflows/{name}/positions", "PUT"): "edit",
    ("/api/workflows/{name}/branches", "GET"): "view",
    ("/api/workflows/{name}/branches", "POST"): "edit",
    ("/api/workflows/{name}/branches/{branch}", "DELETE"): "edit",
    ("/api/workflows/{name}/branches/{branch}/check", "POST"): "view",
    ("/api/workflows/{name}/branches/{branch}/merge", "POST"): "edit",
    ("/api/prompts", "POST"): "edit",
    ("/api/prompts/{name}", "PUT"): "edit",
    ("/api/prompts/{name}", "DELETE"): "edit",
    ("/api/prompt-imports", "POST"): "edit",
    ("/api/fragments/{name}", "GET"): "view",
    ("/api/fragments/{name}", "PUT"): "edit",
    ("/api/fragments/{name}", "DELETE"): "edit",
    ("/api/fragments/{name}/rename", "POST"): "edit",
    ("/api/prompts/{name}/copy", "POST"): "edit",
    ("/api/prompts/{name}/declare", "POST"): "edit",
    ("/api/prompts/{name}/rename", "POST"): "edit",
    ("/api/prompts/{name}/versions", "POST"): "edit",
    ("/api/prompts/{name}/tags", "POST"): "edit",
    ("/api/fragments/{name}/versions", "GET"): "view",
    ("/api/fragments/{name}/versions/{version_id}", "GET"): "view",
    ("/api/fragments/{name}/versions/{version_id}/restore", "POST"): "edit",
    ("/api/prompts/{name}/labels/{label}", "PUT"): "edit",
    ("/api/prompts/{name}/labels/{label}", "DELETE"): "edit",
    ("/api/prompts/{name}/labels/{label}/protection", "PUT"): "edit",
    ("/api/prompts/{name}/labels/{label}/protection", "DELETE"): "edit",
    ("/api/prompts/{name}/tests", "POST"): "run",
    ("/api/prompts/{name}/tests", "GET"): "view",
    ("/api/prompts/{name}/tests/{test_id}", "GET"): "view",
    ("/api/prompts/{name}/tests/{test_id}/cancel", "POST"): "run",
    ("/api/prompts/{name}/try", "POST"): "run",
    ("/api/prompts/{name}/tries", "GET"): "view",
    ("/api/prompts/{name}/tries/{try_id}", "GET"): "view",
    ("/api/prompts/{name}/tries/{try_id}/cancel", "POST"): "run",
    ("/api/prompts/{name}/compare", "POST"): "run",
    ("/api/prompts/{name}/comparisons", "GET"): "view",
    ("/api/prompts/{name}/comparisons/{comparison_id}", "GET"): "view",
    ("/api/prompts/{name}/comparisons/{comparison_id}/cancel", "POST"): "run",
    ("/api/prompts/{name}/calls", "GET"): "view",
    ("/api/prompts/{name}/cases", "GET"): "view",
    ("/api/prompts/{name}/cases", "POST"): "edit",
    ("/api/prompts/{name}/cases/{case}", "PUT"): "edit",
    ("/api/prompts/{name}/cases/{case}", "DELETE"): "edit",
    ("/api/prompts/{name}/test", "POST"): "run",
    ("/api/prompts/{name}/test", "GET"): "view",
    ("/api/environments", "GET"): "view",
    ("/api/environments", "POST"): "edit",
    ("/api/environments/init", "POST"): "edit",
    ("/api/environments/{name}", "GET"): "view",
    ("/api/environments/{name}", "DELETE"): "edit",
    ("/api/environments/{name}/problems", "GET"): "view",
    ("/api/environments/{name}/promotion", "GET"): "view",
    ("/api/environments/{name}/variables", "PUT"): "edit",
    ("/api/environments/{name}/connections", "PUT"): "edit",
    ("/api/environments/{name}/default", "PUT"): "admin",
    ("/api/environments/{name}/triggers", "PUT"): "edit",
    ("/api/environments/{name}/promote", "POST"): "edit",
    ("/api/environments/{name}/rollback", "POST"): "edit",
    ("/api/environments/{name}/workflows/{workflow}", "DELETE"): "edit",
    ("/api/tables", "GET"): "view",
    ("/api/tables/{table}", "GET"): "view",
    ("/api/tables/{table}", "DELETE"): "edit",
    ("/api/tables/{table}/rows", "PUT"): "edit",
    ("/api/tables/{table}/rows", "DELETE"): "edit",
    ("/api/agents", "GET"): "view",
    ("/api/agents/{name}", "GET"): "view",
    ("/api/agents", "POST"): "edit",
    ("/api/agents/{name}", "PUT"): "edit",
    ("/api/agents/{name}", "DELETE"): "edit",
    ("/api/agents/{name}/check", "POST"): "view",
    ("/api/agents/{name}/copy", "POST"): "edit",
    ("/api/agents/{name}/rename", "POST"): "edit",
    ("/api/agents/{name}/versions", "GET"): "view",
    ("/api/agents/{name}/versions", "POST"): "edit",
    ("/api/agents/{name}/versions/{version}/restore", "POST"): "edit",
    ("/api/agents/{name}/differences", "GET"): "view",
    ("/api/agents/{name}/labels/{label}", "PUT"): "edit",
    ("/api/agents/{name}/labels/{label}", "DELETE"): "edit",
    ("/api/collections", "GET"): "view",
    ("/api/collections/{collection}", "GET"): "view",
    ("/api/collections/{collection}", "DELETE"): "edit",
    ("/api/collections/{collection}/documents", "GET"): "view",
    ("/api/collections/{collection}/documents", "DELETE"): "edit",
    ("/api/collections/{collection}/passages", "GET"): "view",
    ("/api/collections/{collection}/search", "GET"): "view",
    ("/api/collections/{collection}/vectors", "DELETE"): "edit",
    ("/api/tools", "GET"): "view",
    ("/api/tools/{name}", "GET"): "view",
    ("/api/tools", "POST"): "edit",
    ("/api/tools/{name}", "DELETE"): "edit",
    ("/api/tools/{name}/rename", "POST"): "edit",
    ("/api/tools/{name}/files", "GET"): "view",
    ("/api/tools/{name}/files", "PUT"): "edit",
    ("/api/tools/{name}/files", "DELETE"): "edit",
    ("/api/tools/{name}/versions", "GET"): "view",
    ("/api/tools/{name}/versions/{version_id}", "GET"): "view",
    ("/api/tools/{name}/versions/{version_id}/restore", "POST"): "edit",
    ("/api/tools/{name}/lock", "POST"): "edit",
    ("/api/tools/{name}/test", "POST"): "edit",
    ("/api/projects", "GET"): "view",
    ("/api/projects", "POST"): "edit",
    ("/api/projects/{name}", "GET"): "view",
    ("/api/projects/{name}", "DELETE"): "edit",
    ("/api/projects/{name}/files", "GET"): "view",
    ("/api/projects/{name}/file", "GET"): "view",
    ("/api/projects/{name}/file", "PUT"): "edit",
    ("/api/projects/{name}/file", "DELETE"): "edit",
    ("/api/projects/{name}/commits", "GET"): "view",
    ("/api/projects/{name}/diff", "GET"): "view",
    ("/api/projects/{name}/zip", "GET"): "view",
    ("/api/projects/{name}/bundle", "GET"): "view",
    ("/api/projects/{name}/preview", "GET"): "view",
    ("/api/projects/{name}/runs", "GET"): "view",
    ("/api/projects/{name}/runs", "POST"): "run",
    ("/api/projects/{name}/runs/{id}", "GET"): "view",
    ("/api/projects/{name}/runs/{id}/stop", "POST"): "run",
    ("/api/files", "GET"): "view",
    ("/api/files", "POST"): "run",
    ("/api/files", "DELETE"): "edit",
    ("/api/files/view", "GET"): "run",
    ("/api/files/content", "GET"): "run",
    ("/api/users", "GET"): "admin",
    ("/api/users", "POST"): "admin",
    ("/api/users/{user_id}/role", "PUT"): "admin",
    ("/api/users/{user_id}/identity", "PUT"): "admin",
    ("/api/users/{user_id}/identity", "DELETE"): "admin",
    ("/api/users/{user_id}/language", "PUT"): "admin",
    ("/api/users/{user_id}/password", "PUT"): "admin",
    ("/api/users/{user_id}", "DELETE"): "admin",
    ("/api/users/{user_id}/sessions", "GET"): "admin",
    ("/api/users/{user_id}/sessions", "DELETE"): "admin",
    ("/api/users/{user_id}/sessions/{session_id}", "DELETE"): "admin",
    ("/api/users/{user_id}/login-link", "POST"): "admin",
    ("/api/users/{user_id}/tokens", "GET"): "admin",
    ("/api/users/{user_id}/tokens", "POST"): "admin",
    ("/api/users/{user_id}/tokens/{token_id}", "DELETE"): "admin",
    ("/api/audit", "GET"): "admin",
    ("/api/audit/csv", "GET"): "admin",
}
"""Routes that `tests/faces` tries beside the other faces."""
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
    "/first-run/",
    "/sign-in", "/check", "/live", "/local-models", "/api/triggers/{workflow}/{trigger}/", "/files/", "/rename",
    "/api/plans/", "/drain", "/approvals/answers", "/budgets/resume", "/correct",
    "/debug", "/draft", "{name}/edit", "/api/workflow-imports", "/scope", "/choices", "/mcp", "{name}/tools",
    "/copilot/proposals", "/copilot/answers", "/copilot/wizard", "/copilot/fixes/",
    "/copilot/agreement", "/copilot/conversations/", "/copilot/prompts/",
    "/api/run-imports", "/replayed", "/export", "/seen",
)  # fmt: skip
"""What asks a service, or needs more than these tests make: here it is only seen who is refused."""
ASKING = {
    "schema_version": 1,
    "steps": [
        {"id": answer, "needs": [], "uses": "flow.approve", "with": {"message": answer}}
        for answer in ("approve", "reject")
    ],
}
ANSWERS = {"/flows": {"POST": 201}, "/workflows": {"POST": 202}}
QUERIES = {"/api/choices": {"format": "model"}}
NAMED = {"prompts": "classify-mail", "connections": "llm"}


def test_the_table_has_every_route() -> None:
    assert set(RIGHTS) | set(IN_CONTRACT) == {route for route in every_route() if not is_public(route[0])}
    assert set(SOCKETS) == set(every_socket())


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
        put_held(connection, Held("2026-11-20T12:00:00.000Z", ["20261120T120000Z-abcdefgh"]))


def settled(orchestra: Orchestra) -> tuple[object, ...]:
    """The same, once what was started before has come as far as it does by itself."""
    for row in orchestra.runs.list(LOCAL).rows:
        orchestra.runs.wait(LOCAL, row.run_id, 60)
    return state(orchestra)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_do_what_it_should_and_no_more(
    client: TestClient, orchestra: Orchestra, run_id: str, questions: dict[str, str], role: Role
) -> None:
    orchestra.users.add(LOCAL, "ada", "Ada", role, PASSWORD)
    client.headers["Authorization"] = f"Bearer {orchestra.users.token('ada', PASSWORD)}"
    before: tuple[object, ...] | None = None
    for (path, method), right in RIGHTS.items():
        name = NAMED.get([*path.split("/"), ""][2], "inbox-triage")
        approval_id = questions["reject" if "reject" in path else "approve"]
        run_ids = dict.fromkeys(("run_id", "good", "bad"), run_id)
        address = path.format(**{**NAMES, **run_ids, "name": name, "approval_id": approval_id})
        if path == "/api/state/accept":
            hold_writes(orchestra)
            before = None
        before = settled(orchestra) if before is None else before
        answer = client.request(method, address, json=BODIES.get(path), params=QUERIES.get(path))
        if not may(Principal("ada", role), right):
            assert (answer.status_code, answer.json()["error"]["type"]) == (403, "NotAllowed"), (method, path)
            assert f"ada has the role {role}" in answer.json()["error"]["message"]
        elif any(part in path for part in TRIED_ELSEWHERE):
            before = None
            continue
        else:
            usual = 202 if right == "run" and path not in DONE_AT_ONCE else 200
            expected = ANSWERS.get(path, {}).get(method, usual)
            assert answer.status_code == expected, (method, path, answer.text)
        is_change = right != "view" and method != "GET" and may(Principal("ada", role), right)
        after = state(orchestra)
        assert (after != before) == is_change, (method, path)
        before = None if is_change else after
    orchestra.projects.create(LOCAL, "inbox-triage")
    command = orchestra.project_runs.start(LOCAL, "inbox-triage", "true").id
    before = settled(orchestra)
    for path, right in SOCKETS.items():
        assert may(Principal("ada", role), right)  # a role without it would have to be refused here
        address = f"ws://127.0.0.1:8501{path}".format(run_id=run_id, name="inbox-triage", id=command)
        with client.websocket_connect(address) as socket:
            assert json.loads(socket.receive_text())["type"] == "snapshot", path
    assert state(orchestra) == before
