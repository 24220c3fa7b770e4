"""What taking a workflow out of an environment changes, shown before it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.base.errors import InUse, OrchestraError, UnknownName
from engine.compiler.definition.environment import CURRENT
from engine.documents.json_file import parse
from engine.environments.environment_file import EnvironmentFile

if TYPE_CHECKING:
    from engine.workflows.environment_plans import EnvironmentPlans


@dataclass(frozen=True)
class Removal:
    """What taking a workflow out of an environment changes."""

    workflow: str
    environment: str
    version: int | str
    """What runs there now: a number, or `current`."""
    then: str
    """What runs there afterwards, as a sentence."""
    triggers: str
    """What its triggers do afterwards, as a sentence; "" if it has no triggers there."""
    triggers_to: str
    """The environment in which they start runs afterwards; "" if it has no triggers there."""


def removal(plans: EnvironmentPlans, content: EnvironmentFile, workflow: str, name: str) -> Removal:
    """Return what taking a workflow out of an environment with this content changes. Raises UnknownName."""
    entry = content.workflows.get(workflow)
    if entry is None:
        known = list(content.workflows)
        remedy = "" if known else f"`orchestra env show {name}` shows what runs there."
        raise UnknownName(f"workflow in the environment {name}", workflow, known, remedy=remedy)
    is_current = content.others == CURRENT
    then = f"{workflow} then {'runs its file as it is' if is_current else 'no longer runs'} in {name}."
    to, triggers = "", ""
    if _has_triggers(plans, workflow, name):
        to = plans.default()
        triggers = _of_triggers(plans, workflow, name, to)
    return Removal(workflow, name, entry.version, then, triggers, to)


def require_told(found: Removal, triggers_to: str) -> None:
    """Raise InUse unless the person has agreed to where the triggers will start runs."""
    if found.triggers_to and found.triggers_to != triggers_to:
        command = f"orchestra env remove {found.workflow} --from {found.environment}"
        raise InUse(
            f"The triggers of {found.workflow!r} start runs in {found.environment!r}. {found.triggers}",
            remedy=f"To agree to that: `{command} --triggers-to {found.triggers_to}`.",
        )


def _has_triggers(plans: EnvironmentPlans, workflow: str, name: str) -> bool:
    """Return whether the triggers of a workflow start runs in an environment; True if its text cannot be read."""
    if plans.of_triggers(workflow) != name:
        return False
    try:
        document = parse(plans.text(workflow, name), workflow).value
    except OrchestraError:
        return True
    return isinstance(document, dict) and bool(document.get("triggers"))


def _of_triggers(plans: EnvironmentPlans, workflow: str, name: str, to: str) -> str:
    content = plans.files.get(to)
    entry = None if to == name else content.workflows.get(workflow)
    if entry is None and content.others != CURRENT:
        return f"Afterwards they start none, as it is not in {to!r}."
    what = "its file as it is" if entry is None or entry.version == CURRENT else f"version {entry.version}"
    return f"Afterwards they start runs of {what} in {to!r}."
