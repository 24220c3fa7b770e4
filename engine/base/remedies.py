"""Translate remedies, which are written with CLI commands, for the dashboard and the REST API."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Literal

Face = Literal["page", "request"]

_COMMAND = re.compile(r"`orchestra (?P<command>[^`]+)`(?P<more>(?: or `--[a-z-]+`)?)")
_FLAG = re.compile(r"`(?P<flag>--[a-z-]+)(?P<value>[ =][^`]*)?`")
_OPENS_SENTENCE = re.compile(r"(?:^|[.!?] )$")

_PAGES: Mapping[str, str] = {
    "agents check": "the page of the agent",
    "agents label": "Label on the page of the agent",
    "agents list": "the page Agents",
    "agents new": "New agent on the page Agents",
    "agents versions": "the versions on the page of the agent",
    "approvals list": "the page Approvals",
    "workers list": "the page Workers",
    "budgets list": "the page Budgets",
    "budgets resume": "Resume on the page Budgets",
    "collections forget-vectors": "Delete the vectors on the page Collections",
    "connections add": "the page Connections",
    "connections check": "Check on the page Connections",
    "connections list": "the page Connections",
    "connections tools": "Tools on the page Connections",
    "env check": "Check on the page Environments",
    "env default": "Make it the default on the page Environments",
    "env init": "the page Environments",
    "env new": "New environment on the page Environments",
    "env promote": "Promote on the tab Environments of the workflow",
    "env remove": "Take it out on the tab Environments of the workflow",
    "env set": "Variables on the page Environments",
    "env show": "the page Environments",
    "env triggers": "Triggers on the tab Environments of the workflow",
    "fragments set": "New fragment on the page Prompts",
    "plans again": "Make a new plan on the page of the plan",
    "plans apply": "Apply on the page of the plan",
    "plans list": "the page Plans",
    "plans show": "the page of the plan",
    "projects log": "the tab History of the project",
    "prompts calls": "the tab Try on the page of the prompt",
    "prompts label": "the tab Versions on the page of the prompt",
    "prompts protect": "Labels on the tab Versions of the prompt",
    "prompts show": "the page of the prompt",
    "prompts test": "the tab Cases on the page of the prompt",
    "prompts tests": "the tab Cases on the page of the prompt",
    "prompts tries": "the tab Try on the page of the prompt",
    "run": "Run on the page of the workflow",
    "runs breakpoints": "the tab Canvas of the workflow",
    "runs cancel": "Cancel on the page of the run",
    "runs continue": "Continue on the tab Canvas of the workflow",
    "runs correct": "It is a … on a model step of the run",
    "runs debug": "Debug on the tab Canvas of the workflow",
    "runs list": "the page Runs",
    "runs rerun": "Run again on the page of the run",
    "runs resume": "Try again on the page of the run",
    "runs show": "the page of the run",
    "runs step": "Step on the tab Canvas of the workflow",
    "runs undo": "Undo on the page of the run",
    "start": "the page First run",
    "start plan": "Plan on the page First run",
    "start skip": "Skip on the page First run",
    "start tasks": "the page First run",
    "state accept": "Resume writing on the page Home",
    "tables remove": "the page Tables",
    "tokens create": "the page API tokens",
    "tools lock": "Lock the packages on the page Tools",
    "tools test": "Run the tests on the page Tools",
    "triggers dead": "the page Triggers",
    "triggers on": "Turn on on the page Triggers",
    "triggers status": "the page Triggers",
    "users add": "the page Users",
    "users set-password": "the page Users",
    "validate": "the page of the workflow",
    "workflows branch": "New branch on the tab Branches of the workflow",
    "workflows label": "Label on the tab History of the workflow",
    "workflows merge": "Merge on the tab Branches of the workflow",
    "workflows try": "Fill in under Made-up values in the panel of the step",
    "workflows versions": "the tab History of the workflow",
}
"""The dashboard page for each command."""

_ROUTES: Mapping[str, str] = {
    "agents check": "POST /api/agents/{name}/check",
    "agents label": "PUT /api/agents/{name}/labels/LABEL",
    "agents list": "GET /api/agents",
    "agents new": "POST /api/agents",
    "agents versions": "GET /api/agents/{name}/versions",
    "approvals list": "GET /api/approvals",
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
    "tables remove": "DELETE /api/tables/{table}/rows",
    "tokens create": "POST /api/users/{user}/tokens",
    "tools lock": "POST /api/tools/{name}/lock",
    "tools test": "POST /api/tools/{name}/test",
    "triggers dead": "GET /api/triggers/dead",
    "triggers on": "POST /api/triggers/{workflow}/{trigger}/on",
    "triggers status": "GET /api/triggers",
    "users add": "POST /api/users",
    "users set-password": "PUT /api/users/{name}/password",
    "validate": "GET /api/workflows/{name}",
    "workflows branch": "POST /api/workflows/{name}/branches",
    "workflows label": "PUT /api/workflows/{name}/labels/LABEL",
    "workflows merge": "POST /api/workflows/{name}/branches/{branch}/merge",
    "workflows try": "GET /api/workflows/{name}/steps/{step}/try",
    "workflows versions": "GET /api/workflows/{name}/versions",
}
"""The API request for each command."""

_PAGE_FLAGS: Mapping[str, str] = {
    "--as-done": "It is done",
    "--demo": "Demo on the page Connections",
    "--force": "Write everything again (More options)",
    "--from-run": "the outputs of an earlier run",
    "--leave": "Leave what could not be undone",
    "--newest": "Continue with the new file (More options)",
    "--reason": "the field Reason",
    "--redo": "Send again",
    "--update": "Update what was written (More options)",
}
_REQUEST_FLAGS: Mapping[str, str] = {
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


_CODED_FLAGS = {flag: f"`{field}`" for flag, field in _REQUEST_FLAGS.items()}


def in_words_of(face: Face, text: str) -> str:
    """Return a message or remedy with a dashboard page or an API request in place of commands.

    A command without an equivalent (`orchestra serve`) is kept.
    """
    told, flags = (_of_page, _PAGE_FLAGS) if face == "page" else (_of_request, _CODED_FLAGS)

    def command(found: re.Match[str]) -> str:
        said = told(_words(found["command"]), _flags(found["more"]))
        if said is None:
            return found.group()
        return _capital(said) if _OPENS_SENTENCE.search(text[: found.start()]) else said

    def of_flag(found: re.Match[str]) -> str:
        return flags.get(found["flag"], found.group())

    return _FLAG.sub(of_flag, _COMMAND.sub(command, text)) if "`" in text else text


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def _flags(text: str) -> list[str]:
    return re.findall(r"--[a-z-]+", text)


def _of_page(words: Sequence[str], more: Sequence[str]) -> str | None:
    name = _named(words, _PAGES)
    if name is None:
        return None
    flags = [*_flags(" ".join(words)), *more]
    said = [_PAGE_FLAGS[one] for one in flags if one in _PAGE_FLAGS]
    if not said:
        return _PAGES[name]
    return f"{' or '.join(said)} on the page of the run"


def _of_request(words: Sequence[str], more: Sequence[str]) -> str | None:
    name = _named(words, _ROUTES)
    if name is None:
        return None
    given = [word for word in words[len(name.split()) :] if not word.startswith("-")]
    address = _filled(_ROUTES[name], given)
    said = [_REQUEST_FLAGS[one] for one in [*_flags(" ".join(words)), *more] if one in _REQUEST_FLAGS]
    return f"`{address}`" + (f" with {' or '.join(f'`{one}`' for one in said)}" if said else "")


def _filled(address: str, given: Sequence[str]) -> str:
    values = iter(given)
    return re.sub(r"\{(\w+)\}", lambda place: next(values, place.group(1).upper()), address)


def _named(words: Sequence[str], known: Mapping[str, str]) -> str | None:
    """Return the command that the words begin with; the longest name wins."""
    return next((name for name in (" ".join(words[:2]), " ".join(words[:1])) if name in known), None)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
