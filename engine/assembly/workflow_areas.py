"""Workflows as people edit them: files, drafts, versions, environments, branches, and trying what a draft does."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.base.step_path import step_id
from engine.base.threads import shared_property
from engine.compiler.definition.plan import Plan
from engine.people.access import Principal

if TYPE_CHECKING:
    from engine.assembly.open_workspace import OpenedWorkspace
    from engine.assembly.work import RunWork
    from engine.copilot.store import CopilotStore
    from engine.runs.branches.branches import Branches
    from engine.runs.environments.environments import Environments
    from engine.runs.environments.promotion import PromotionChecks
    from engine.runs.rules.rules import MailRules
    from engine.runs.trials.debugging import Debugging
    from engine.runs.trials.predictions import Predictions
    from engine.runs.trials.step_tries import StepTries
    from engine.workflows.bundles.bundles import Bundles
    from engine.workflows.editing.editing import WorkflowEditing
    from engine.workflows.versions import WorkflowVersions
    from engine.workflows.workflow_files import WorkflowFiles
    from engine.workspace.drafts import Draft, Drafts

_MOST_TESTS = 20
"""How many recent runs are searched for one that is not a test."""


class WorkflowAreas:
    """The areas in which workflows are written."""

    def __init__(self, opened: OpenedWorkspace, work: RunWork) -> None:
        self._opened, self._work = opened, work

    @shared_property
    def workflows(self) -> WorkflowFiles:
        """The workflow files."""
        from engine.workflows.workflow_files import WorkflowFiles

        opened, drafts = self._opened, self.drafts

        def drafted(p: Principal, name: str) -> Draft | None:
            return drafts.get(p, "workflow", name)

        def follow(name: str, new: str, trash: Path | None = None) -> None:
            if trash is not None:
                drafts.set_aside("workflow", name, trash)
            drafts.follow("workflow", name, new)
            self.kept_by_copilot.follow_workflow(name, new)

        return WorkflowFiles(
            opened.workspace,
            opened.compiled,
            opened.audit,
            opened.renaming,
            follow,
            drafted,
            opened.plans.default,
            opened.connections.add_missing,
        )

    @shared_property
    def drafts(self) -> Drafts:
        """Unsaved texts of the editors."""
        from engine.workspace.drafts import Drafts

        return Drafts(self._opened.settings, self._opened.clock)

    @shared_property
    def kept_by_copilot(self) -> CopilotStore:
        """What the co-pilot keeps about drafts."""
        from engine.copilot.store import CopilotStore

        return CopilotStore(self._opened.settings)

    @shared_property
    def editing(self) -> WorkflowEditing:
        """Operations on drafts of workflows."""
        from engine.workflows.editing.editing import WorkflowEditing

        file_store, compiled = self._opened.workspace.workflows, self._opened.compiled
        return WorkflowEditing(file_store, self.workflows, compiled, self.drafts, self._last_values)

    def _last_values(self, p: Principal, workflow: str) -> dict[str, Any]:
        """Return the inputs of the last successful run of a workflow and the outputs of its steps, {} without a run.

        Test runs do not count: their values may be made up.
        """
        runs = self._work.runs
        rows = runs.list_now(p, workflow=workflow, status="succeeded", limit=_MOST_TESTS).rows
        last = next((one for one in rows if not one.is_test), None)
        if last is None:
            return {}
        run = runs.get(p, last.run_id)
        outputs = {step_id(one["path"]): one.get("output") for one in run["steps"][::-1]}
        return {"inputs": run.get("inputs"), "steps": outputs}

    @shared_property
    def bundles(self) -> Bundles:
        """Workflows with their prompts as one file."""
        from engine.workflows.bundles.bundles import Bundles

        opened = self._opened
        return Bundles(opened.workspace, self.workflows, opened.services, opened.audit)

    @shared_property
    def versions(self) -> WorkflowVersions:
        """Kept texts of workflows, and their labels."""
        from engine.workflows.versions import WorkflowVersions

        opened = self._opened
        return WorkflowVersions(opened.workspace, opened.plans.versions, self.workflows, opened.audit)

    @shared_property
    def environments(self) -> Environments:
        """Which version of each workflow runs where, with which connections and variables."""
        from engine.runs.environments.environments import Environments

        opened = self._opened
        return Environments(opened.workspace, opened.plans, self._checks, opened.audit, opened.clock)

    @shared_property
    def branches(self) -> Branches:
        """Copies of workflows for larger changes."""
        from engine.runs.branches.branches import Branches

        opened, file_store, since = self._opened, self._opened.workspace.workflows, self._opened.renames_since
        return Branches(file_store, self.workflows, opened.plans, self._checks, self.drafts, opened.audit, since)

    @shared_property
    def rules(self) -> MailRules:
        """What answers in place of a model about mails."""
        from engine.runs.rules.past_answers import AnswerReader
        from engine.runs.rules.rules import MailRules

        answers = AnswerReader(self._work.runs, self._opened.logs.blobs)
        return MailRules(self.workflows, self.editing, self._opened.compiled.compiler_context, answers)

    @shared_property
    def _checks(self) -> PromotionChecks:
        """What a text is checked with before it runs somewhere else."""
        from engine.runs.environments.promotion import PromotionChecks

        work = self._work

        def estimate(plan: Plan) -> str:
            found = work.acceptor.estimates.of(plan, work.modes_of(plan))
            return "" if found is None else found["sentence"]

        return PromotionChecks(
            require_ready=work.require_ready,
            estimate=estimate,
            is_agreed=partial(work.trigger_context.is_agreed, connection=None),
            services=self._opened.services,
        )

    @shared_property
    def predictions(self) -> Predictions:
        """What the steps of drafts would give."""
        from engine.runs.trials.predictions import Predictions

        opened = self._opened
        file_store, around = opened.workspace.workflows, opened.compiled.compiler_context
        return Predictions(file_store, self.editing, around, self._work.runs, opened.logs.blobs)

    @shared_property
    def step_tries(self) -> StepTries:
        """Steps that run alone with made-up values."""
        from engine.runs.trials.step_tries import StepTries

        opened, work = self._opened, self._work
        file_store, around = opened.workspace.workflows, opened.compiled.compiler_context

        def edited(p: Principal, name: str) -> str:
            return self.editing.draft_text(p, name).text

        def plan_of(name: str, text: str) -> Plan:
            plan = opened.plan_of_text(name, text)
            work.require_ready(plan)
            return plan

        return StepTries(file_store, around, work.current_plans, work.trials, self._last_values, edited, plan_of)

    @shared_property
    def debugging(self) -> Debugging:
        """Runs that pause before steps."""
        from engine.runs.trials.debugging import Debugging

        opened, work = self._opened, self._work

        def plan(p: Principal, name: str) -> tuple[Plan, bool]:
            draft = self.editing.draft_text(p, name)
            return opened.plan_of_text(name, draft.text), draft.state.is_draft

        return Debugging(work.worker, opened.clock, work.runs, work.trials, plan)
