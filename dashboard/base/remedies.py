"""Remedies in the words of the dashboard: the page and the button instead of the command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dashboard.base.language import N_, t
from engine.base.remedies import command_name, reworded

_PAGES: Mapping[str, str] = {
    "agents check": N_("the page of the agent"),
    "agents label": N_("Label on the page of the agent"),
    "agents list": N_("the page Agents"),
    "agents new": N_("New agent on the page Agents"),
    "agents versions": N_("the versions on the page of the agent"),
    "approvals approve": N_("Approve on the page Approvals"),
    "approvals list": N_("the page Approvals"),
    "approvals reject": N_("Reject on the page Approvals"),
    "approvals show": N_("the page Approvals"),
    "workers list": N_("the page Workers"),
    "budgets list": N_("the page Budgets"),
    "budgets resume": N_("Resume on the page Budgets"),
    "collections forget-vectors": N_("Delete the vectors on the page Collections"),
    "connections add": N_("the page Connections"),
    "connections check": N_("Check on the page Connections"),
    "connections list": N_("the page Connections"),
    "connections tools": N_("Tools on the page Connections"),
    "env check": N_("Check on the page Environments"),
    "env default": N_("Make it the default on the page Environments"),
    "env init": N_("the page Environments"),
    "env new": N_("New environment on the page Environments"),
    "env promote": N_("Promote on the tab Environments of the workflow"),
    "env remove": N_("Take it out on the tab Environments of the workflow"),
    "env set": N_("Variables on the page Environments"),
    "env show": N_("the page Environments"),
    "env triggers": N_("Triggers on the tab Environments of the workflow"),
    "fragments set": N_("New fragment on the page Prompts"),
    "plans again": N_("Make a new plan on the page of the plan"),
    "plans apply": N_("Apply on the page of the plan"),
    "plans list": N_("the page Plans"),
    "plans show": N_("the page of the plan"),
    "projects log": N_("the tab History of the project"),
    "prompts calls": N_("the tab Try on the page of the prompt"),
    "prompts label": N_("the tab Versions on the page of the prompt"),
    "prompts protect": N_("Labels on the tab Versions of the prompt"),
    "prompts show": N_("the page of the prompt"),
    "prompts test": N_("the tab Cases on the page of the prompt"),
    "prompts tests": N_("the tab Cases on the page of the prompt"),
    "prompts tries": N_("the tab Try on the page of the prompt"),
    "run": N_("Run on the page of the workflow"),
    "runs breakpoints": N_("the tab Canvas of the workflow"),
    "runs cancel": N_("Cancel on the page of the run"),
    "runs continue": N_("Continue on the tab Canvas of the workflow"),
    "runs correct": N_("It is a … on a model step of the run"),
    "runs debug": N_("Debug on the tab Canvas of the workflow"),
    "runs export": N_("Save for a bug report on the page of the run"),
    "runs import": N_("Replay a file on the page Runs"),
    "runs list": N_("the page Runs"),
    "runs rerun": N_("Run again on the page of the run"),
    "runs resume": N_("Try again on the page of the run"),
    "runs show": N_("the page of the run"),
    "runs step": N_("Step on the tab Canvas of the workflow"),
    "runs undo": N_("Undo on the page of the run"),
    "start": N_("the page First run"),
    "start plan": N_("Plan on these mails on the page First run"),
    "start skip": N_("Skip on the page First run"),
    "start tasks": N_("the page First run"),
    "state accept": N_("Resume writing on the page Home"),
    "tokens create": N_("the page API tokens"),
    "tools lock": N_("Lock the packages on the page Tools"),
    "tools test": N_("Run the tests on the page Tools"),
    "triggers dead": N_("the page Triggers"),
    "triggers deliveries": N_("the page Triggers"),
    "triggers forms": N_("the page Triggers"),
    "triggers hooks": N_("the page Triggers"),
    "triggers on": N_("Turn on on the page Triggers"),
    "triggers status": N_("the page Triggers"),
    "users add": N_("the page Users"),
    "users link": N_("Link on the page Users"),
    "users set-password": N_("the page Users"),
    "validate": N_("the page of the workflow"),
    "workflows branch": N_("New branch on the tab Branches of the workflow"),
    "workflows label": N_("Label on the tab History of the workflow"),
    "workflows merge": N_("Merge on the tab Branches of the workflow"),
    "workflows try": N_("Fill in under Made-up values in the panel of the step"),
    "workflows versions": N_("the tab History of the workflow"),
}
"""The dashboard page for each command."""

_FLAGS: Mapping[str, str] = {
    "--as-done": N_("It is done"),
    "--demo": N_("Demo on the page Connections"),
    "--force": N_("Write everything again (More options)"),
    "--from-run": N_("the outputs of an earlier run"),
    "--leave": N_("Leave what could not be undone"),
    "--newest": N_("Try again"),
    "--reason": N_("the field Reason"),
    "--redo": N_("Send again"),
    "--update": N_("Update what was written (More options)"),
}


def with_pages(text: str) -> str:
    """Return a message or remedy with pages of the dashboard in place of commands."""
    return reworded(text, _page, {flag: t(said) for flag, said in _FLAGS.items()})


def _page(words: Sequence[str], flags: Sequence[str]) -> str | None:
    name = command_name(words, _PAGES)
    if name is None:
        return None
    said = [t(_FLAGS[one]) for one in flags if one in _FLAGS]
    return t("{flags} on the page of the run", flags=t(" or ").join(said)) if said else t(_PAGES[name])
