"""The `first_run` area: five steps to a run on a person's own mail. Each can be skipped, and asks for nothing known."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from clients.check_line import CheckLine
from clients.errors import InvalidRequest, NotFound
from clients.wording import listed
from engine.base.errors import InvalidInput, OrchestraError, UnknownName
from engine.base.statuses import AccountMode
from engine.connections.statuses import ConnectionStatus
from engine.first_run.first_workflow import NAME, PROMPT, TRIGGER, first_workflow, parts
from engine.first_run.progress import CHOSEN, STEPS, FirstRunProgress, ProgressStore
from engine.first_run.steps import (
    DEMO,
    NONE,
    TITLES,
    FirstRunState,
    again_remedy,
    checked_step,
    choices_of,
    chosen_step,
    connection_of,
    first_connection,
    is_on_demo,
    key_remedy,
    meant,
    options,
    plan_step,
    start_step,
    used_connection,
)
from engine.people.access import Principal
from engine.people.operation import operation
from engine.runs.planning.plan_documents import PlanRow
from engine.runs.planning.plans import Plans
from engine.store.settings import Settings
from engine.workflows.samples import copy_prompt
from engine.workflows.workflow_files import WorkflowFiles
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.connections.connections import Connections
    from engine.triggering.triggers import Triggers

_PLANS_LOOKED_AT = 20


class FirstRun:
    """What somebody is asked who opens a workspace first. What is chosen is kept in the state of the workspace."""

    def __init__(
        self,
        workspace: Workspace,
        settings: Settings,
        connections: Connections,
        workflows: WorkflowFiles,
        plans: Plans,
        triggers: Triggers,
    ) -> None:
        self._workspace, self._kept = workspace, ProgressStore(settings)
        self._connections, self._workflows = connections, workflows
        self._plans, self._triggers = plans, triggers

    @operation("first_run.state", "view", "see the first run", "See how far the first run is")
    def state(self, p: Principal) -> FirstRunState:
        """Return the five steps and how far each is; asks no service."""
        progress, known = self._kept.get(), self._connections.list(p)
        plan = self._plan(p, progress, known)
        planned = plan_step(progress, plan)
        steps = [chosen_step(step, progress, known, is_planned=planned["state"] == "done") for step in CHOSEN]
        steps += [planned, start_step(progress, plan, is_on=self._is_on(p, progress))]
        return {
            "steps": steps,
            "is_finished": all(one["state"] in ("done", "skipped") for one in steps),
            "workflow": progress.workflow,
            "target": progress.target,
            "plan": plan,
        }

    @operation("first_run.choose", "edit", "set up the first run", "Choose what a step of the first run uses")
    def choose(self, p: Principal, step: str, choice: str, target: str = "") -> FirstRunState:
        """Choose what a step uses, and check it as `connections check` does; see `FirstRunStep.choices`.

        An own account is used in the whole workspace from now on. `target` is the repository or database for tasks; if
        it is empty, the only one there is. Raises UnknownName, InvalidInput (also for a target that the account does
        not have), NotAllowed, ServiceError.
        """
        known, progress = self._connections.list(p), self._kept.get()
        chosen = checked_step(step, CHOSEN)
        if choice not in (offered := options(chosen)):
            raise UnknownName("choice", choice, offered, remedy=f"Choose one of {listed(offered)}.")
        lines: list[CheckLine] = []
        if choice != NONE:
            is_demo = choice == DEMO or (chosen != "mailbox" and is_on_demo(progress, known))
            status = connection_of(chosen, choice, known)
            self._switch(p, status, is_demo=is_demo)
            lines = self._connections.check(p, status.name)
            if chosen == "tasks" and all(line.ok for line in lines):
                target = target.strip()
                target = self._found(p, status, target) if target else self._only_target(p, status, is_demo=is_demo)
        self._kept.change(lambda kept: kept.with_choice(chosen, choice, target, lines))
        return self.state(p)

    @operation("first_run.skip", "edit", "set up the first run", "Skip a step of the first run")
    def skip(self, p: Principal, step: str) -> FirstRunState:
        """Skip a step; it can still be done later. Raises UnknownName."""
        skipped = checked_step(step, STEPS)
        self._kept.change(lambda kept: replace(kept, skipped=[*{*kept.skipped, skipped}]))
        return self.state(p)

    def targets(self, p: Principal, service: str) -> list[str]:
        """Return the repositories or databases to which tasks can go, [] if the service cannot be asked."""
        target = parts("tasks").get(service, {}).get("target")
        status = first_connection(service, self._connections.list(p))
        return self._connections.choices(p, target["format"], status.name) if target and status else []

    @operation("first_run.write", "edit", "set up the first run", "Write the workflow of the first run")
    def write(self, p: Principal) -> str:
        """Write the workflow that fits what was chosen, and return its name; one that was edited since stays.

        Raises InvalidInput (a check failed, nothing to read mail from), StorageError.
        """
        progress, known = self._kept.get(), self._connections.list(p)
        self._require_checked(p, progress, known)
        text, name = first_workflow(choices_of(progress, known)), progress.workflow
        if name in self._workspace.workflows.names():
            file = self._workflows.get(p, name)
            if file.text != progress.text or _is_same(text, file.text):
                return name
            made = self._workflows.save(p, name, text, file.etag)
        else:
            if progress.chosen.get("model") != NONE:
                copy_prompt(self._workspace, PROMPT)
            made = self._workflows.save(p, self._free_name(), text, None)
        self._kept.change(lambda kept: replace(kept, workflow=made.name, text=made.text))
        return made.name

    @operation("first_run.plan", "run", "plan runs", "Plan the first run")
    def plan(self, p: Principal, *, request_key: str | None = None) -> str:
        """Plan the workflow on the last few mails; nothing is written outside. Return the id of the plan.

        Raises as `write` and `plans.make`.
        """
        plan_id = self._plans.make(p, self.write(p), {}, request_key=request_key)
        self._kept.change(lambda kept: replace(kept, skipped=[one for one in kept.skipped if one != "plan"]))
        return plan_id

    @operation("first_run.apply", "run", "apply plans", "Apply the plan of the first run")
    def apply(self, p: Principal) -> str:
        """Apply the newest plan; return the id of the run. Raises InvalidInput (there is no plan), as `plans.apply`."""
        plan = self._plan(p, self._kept.get(), self._connections.list(p))
        if plan is None:
            raise InvalidInput("There is no plan to apply yet.", remedy="`orchestra start plan` makes one.")
        return self._plans.apply(p, plan["plan_id"])

    def _switch(self, p: Principal, status: ConnectionStatus, *, is_demo: bool) -> None:
        """Use the account that was chosen. Raises InvalidInput if that is not possible without more of the person."""
        if is_demo and status.mode == AccountMode.MINE:
            raise InvalidInput(
                f"{status.name} uses your own account here, not the demo.",
                remedy="To try the demo: `--demo` at the command line, or Demo on the page Connections.",
            )
        if not is_demo and not status.own_key_found:
            raise InvalidInput(f"{status.name} cannot use your own account yet.", remedy=key_remedy(status))
        if not is_demo and status.has_stand_in and status.served_mode != AccountMode.MINE:
            self._connections.set_mode(p, status.service, AccountMode.MINE)

    def _found(self, p: Principal, status: ConnectionStatus, target: str) -> str:
        """Return a target that the person has named. Raises InvalidInput with the nearest names if it is not there."""
        part = parts("tasks")[status.service]["target"]
        try:
            self._connections.look_up(p, part["format"], target, status.name)
        except (NotFound, InvalidRequest) as error:
            absent = f"the account of {status.name} has none named {target!r}, or may not see it."
            why = absent if isinstance(error, NotFound) else error.message
            remedy = meant(target, self._connections.choices(p, part["format"], status.name))
            raise InvalidInput(f"{part['title']}: {why}", remedy=remedy, field="target") from error
        return target

    def _only_target(self, p: Principal, status: ConnectionStatus, *, is_demo: bool) -> str:
        """Return where tasks go if nobody has said so. Raises InvalidInput if that is not clear."""
        part = parts("tasks")[status.service]
        if is_demo:
            return str(part["demo"])
        found = self._connections.choices(p, part["target"]["format"], status.name)
        if len(found) != 1:
            title = part["target"]["title"]
            command = f"`orchestra start tasks {status.service} --in NAME`"
            raise InvalidInput(
                f"{title}: none was named, and there is not exactly one.",
                remedy=f"Name one: {command}; found: {listed(found or ['none'])}.",
                field="target",
            )
        return found[0]

    def _require_checked(self, p: Principal, progress: FirstRunProgress, known: list[ConnectionStatus]) -> None:
        """Check what was never chosen, but found. Raises InvalidInput for a check that fails or has failed."""
        for step in CHOSEN:
            status = used_connection(step, progress, known)
            if status is None or step in progress.skipped:
                continue
            lines = progress.failed.get(step) or (
                [] if step in progress.chosen else self._connections.check(p, status.name)
            )
            for line in lines:
                if not line.ok:
                    raise InvalidInput(f"{TITLES[step]}: {status.name}: {line.text}", remedy=again_remedy(step, status))

    def _free_name(self) -> str:
        taken = self._workspace.workflows.names()
        return next(one for one in (NAME, *(f"{NAME}-{number}" for number in range(2, 1000))) if one not in taken)

    def _plan(self, p: Principal, progress: FirstRunProgress, known: list[ConnectionStatus]) -> PlanRow | None:
        """Return the newest plan of the workflow with the accounts in use now."""
        if not progress.workflow:
            return None
        rows = self._plans.list(p, workflow=progress.workflow, limit=_PLANS_LOOKED_AT)["plans"]
        is_demo = is_on_demo(progress, known)
        return next((one for one in rows if one["demo"] == is_demo), None)

    def _is_on(self, p: Principal, progress: FirstRunProgress) -> bool:
        with suppress(OrchestraError):
            found = self._triggers.list(p, progress.workflow) if progress.workflow else []
            return any(one.id == TRIGGER and one.is_on and not one.is_resting for one in found)
        return False


def _is_same(text: str, saved: str) -> bool:
    """Return whether a saved workflow has this content; it also has an id."""
    return {**json.loads(text), "id": None} == {**json.loads(saved), "id": None}
