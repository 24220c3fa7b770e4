"""Remedies in the words of the dashboard: the page and the button instead of the command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.base.remedies import command_name, reworded

_PAGES: Mapping[str, str] = {
    "agents check": "the page of the agent",
    "agents label": "Label on the page of the agent",
    "agents list": "the page Agents",
    "agents new": "New agent on the page Agents",
    "agents versions": "the versions on the page of the agent",
    "approvals approve": "Approve on the page Approvals",
    "approvals list": "the page Approvals",
    "approvals reject": "Reject on the page Approvals",
    "approvals show": "the page Approvals",
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
    "runs export": "Save for a bug report on the page of the run",
    "runs import": "Replay a file on the page Runs",
    "runs list": "the page Runs",
    "runs rerun": "Run again on the page of the run",
    "runs resume": "Try again on the page of the run",
    "runs show": "the page of the run",
    "runs step": "Step on the tab Canvas of the workflow",
    "runs undo": "Undo on the page of the run",
    "start": "the page First run",
    "start plan": "Plan on these mails on the page First run",
    "start skip": "Skip on the page First run",
    "start tasks": "the page First run",
    "state accept": "Resume writing on the page Home",
    "tokens create": "the page API tokens",
    "tools lock": "Lock the packages on the page Tools",
    "tools test": "Run the tests on the page Tools",
    "triggers dead": "the page Triggers",
    "triggers on": "Turn on on the page Triggers",
    "triggers status": "the page Triggers",
    "users add": "the page Users",
    "users link": "Link on the page Users",
    "users set-password": "the page Users",
    "validate": "the page of the workflow",
    "workflows branch": "New branch on the tab Branches of the workflow",
    "workflows label": "Label on the tab History of the workflow",
    "workflows merge": "Merge on the tab Branches of the workflow",
    "workflows try": "Fill in under Made-up values in the panel of the step",
    "workflows versions": "the tab History of the workflow",
}
"""The dashboard page for each command."""

_FLAGS: Mapping[str, str] = {
    "--as-done": "It is done",
    "--demo": "Demo on the page Connections",
    "--force": "Write everything again (More options)",
    "--from-run": "the outputs of an earlier run",
    "--leave": "Leave what could not be undone",
    "--newest": "Try again",
    "--reason": "the field Reason",
    "--redo": "Send again",
    "--update": "Update what was written (More options)",
}


def with_pages(text: str) -> str:
    """Return a message or remedy with pages of the dashboard in place of commands."""
    return reworded(text, _page, _FLAGS)


def _page(words: Sequence[str], flags: Sequence[str]) -> str | None:
    name = command_name(words, _PAGES)
    if name is None:
        return None
    said = [_FLAGS[one] for one in flags if one in _FLAGS]
    return f"{' or '.join(said)} on the page of the run" if said else _PAGES[name]
