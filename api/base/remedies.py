"""Remedies in the words of the REST API: the request instead of the command."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from engine.base.remedies import command_name, reworded

_ROUTES: Mapping[str, str] = {
    "agents check": "POST /api/agents/{name}/check",
    "agents label": "PUT /api/agents/{name}/labels/LABEL",
    "agents list": "GET /api/agents",
    "agents new": "POST /api/agents",
    "agents versions": "GET /api/agents/{name}/versions",
    "approvals approve": "POST /api/approvals/{approval}/approve",
    "approvals list": "GET /api/approvals",
    "approvals reject": "POST /api/approvals/{approval}/reject",
    "approvals show": "GET /api/approvals/{approval}",
    "plugins list": "GET /api/plugins",
    "workers list": "GET /api/workers",
    "budgets list": "GET /api/budgets",
    "budgets resume": "POST /api/budgets/resume",
    "collections forget-vectors": "DELETE /api/collections/{collection}/vectors",
    "connections add": "PUT /api/connections/{name}",
    "connections check": "POST /api/connections/{name}/check",
    "connections list": "GET /api/connections",
    "connections tools": "GET /api/connections/{name}/tools",
    "env check": "GET /api/environments/{name}/problems",
    "env default": "PUT /api/environments/{name}/default",
    "env init": "POST /api/environments/init",
    "env new": "POST /api/environments",
    "env promote": "POST /api/environments/ENVIRONMENT/promote",
    "env remove": "DELETE /api/environments/ENVIRONMENT/workflows/{workflow}",
    "env set": "PUT /api/environments/{name}/variables",
    "env show": "GET /api/environments/{name}",
    "env triggers": "PUT /api/environments/ENVIRONMENT/triggers",
    "fragments set": "PUT /api/fragments/{name}",
    "plans again": "POST /api/plans/{plan}/again",
    "plans apply": "POST /api/plans/{plan}/apply",
    "plans list": "GET /api/plans",
    "plans show": "GET /api/plans/{plan}",
    "projects log": "GET /api/projects/{name}/commits",
    "prompts calls": "GET /api/prompts/{name}/calls",
    "prompts label": "PUT /api/prompts/{name}/labels/{label}",
    "prompts protect": "PUT /api/prompts/{name}/labels/{label}/protection",
    "prompts show": "GET /api/prompts/{name}",
    "prompts test": "POST /api/prompts/{name}/test",
    "prompts tests": "GET /api/prompts/{name}/tests",
    "prompts tries": "GET /api/prompts/{name}/tries",
    "run": "POST /api/workflows/execute",
    "runs breakpoints": "PUT /api/runs/{run}/debug/breakpoints",
    "runs cancel": "POST /api/runs/{run}/cancel",
    "runs continue": "POST /api/runs/{run}/debug/continue",
    "runs correct": "POST /api/runs/{run}/correct",
    "runs debug": "POST /api/workflows/{name}/debug",
    "runs export": "GET /api/runs/{run}/export",
    "runs import": "POST /api/run-imports",
    "runs list": "GET /api/runs",
    "runs rerun": "POST /api/runs/{run}/rerun",
    "runs resume": "POST /api/runs/{run}/resume",
    "runs show": "GET /api/runs/{run}",
    "runs step": "POST /api/runs/{run}/debug/step",
    "runs undo": "POST /api/runs/{run}/undo",
    "start": "PUT /api/first-run/steps/{step}",
    "start plan": "POST /api/first-run/plan",
    "start skip": "POST /api/first-run/steps/{step}/skip",
    "start tasks": "PUT /api/first-run/steps/tasks",
    "state accept": "POST /api/state/accept",
    "tokens create": "POST /api/users/{user}/tokens",
    "tools lock": "POST /api/tools/{name}/lock",
    "tools test": "POST /api/tools/{name}/test",
    "triggers dead": "GET /api/triggers/dead",
    "triggers deliveries": "GET /api/triggers/{workflow}/{trigger}/deliveries",
    "triggers forms": "GET /api/triggers/forms",
    "triggers hooks": "GET /api/triggers/hooks",
    "triggers on": "POST /api/triggers/{workflow}/{trigger}/on",
    "triggers status": "GET /api/triggers",
    "users add": "POST /api/users",
    "users link": "PUT /api/users/{name}/identity",
    "users set-password": "PUT /api/users/{name}/password",
    "validate": "GET /api/workflows/{name}",
    "workflows branch": "POST /api/workflows/{name}/branches",
    "workflows label": "PUT /api/workflows/{name}/labels/LABEL",
    "workflows merge": "POST /api/workflows/{name}/branches/{branch}/merge",
    "workflows try": "GET /api/workflows/{name}/steps/{step}/try",
    "workflows versions": "GET /api/workflows/{name}/versions",
}
"""The API request for each command."""

_FLAGS: Mapping[str, str] = {
    "--as-done": '"as_done": true',
    "--break": '"breakpoints"',
    "--draft": '"draft": true',
    "--force": '"receipts": "force"',
    "--from-run": '"from_run"',
    "--leave": '"leave": true',
    "--newest": '"newest": true',
    "--pin": '"pins"',
    "--reason": '"reason"',
    "--redo": '"redo": true',
    "--triggers-to": "?triggers_to",
    "--update": '"receipts": "update"',
}
_CODED_FLAGS = {flag: f"`{field}`" for flag, field in _FLAGS.items()}


def with_requests(text: str) -> str:
    """Return a message or remedy with requests to the API in place of commands."""
    return reworded(text, _request, _CODED_FLAGS)


def _request(words: Sequence[str], flags: Sequence[str]) -> str | None:
    name = command_name(words, _ROUTES)
    if name is None:
        return None
    given = [word for word in words[len(name.split()) :] if not word.startswith("-")]
    address = _filled(_ROUTES[name], given)
    said = [_FLAGS[one] for one in flags if one in _FLAGS]
    return f"`{address}`" + (f" with {' or '.join(f'`{one}`' for one in said)}" if said else "")


def _filled(address: str, given: Sequence[str]) -> str:
    values = iter(given)
    return re.sub(r"\{(\w+)\}", lambda place: next(values, place.group(1).upper()), address)
