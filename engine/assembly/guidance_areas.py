"""What helps people to make workflows: the co-pilot, and the first run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.base.threads import shared_property

if TYPE_CHECKING:
    from engine.assembly.open_workspace import OpenedWorkspace
    from engine.assembly.prompt_areas import PromptAreas
    from engine.assembly.run_areas import RunAreas
    from engine.assembly.trigger_areas import TriggerAreas
    from engine.assembly.work import RunWork
    from engine.assembly.workflow_areas import WorkflowAreas
    from engine.copilot.copilot import Copilot
    from engine.first_run.first_run import FirstRun


class GuidanceAreas:
    """The areas that propose and explain."""

    def __init__(
        self,
        opened: OpenedWorkspace,
        work: RunWork,
        runs: RunAreas,
        workflows: WorkflowAreas,
        prompts: PromptAreas,
        triggers: TriggerAreas,
    ) -> None:
        self._opened, self._work, self._runs = opened, work, runs
        self._workflows, self._prompts, self._triggers = workflows, prompts, triggers

    @shared_property
    def copilot(self) -> Copilot:
        """Changes proposed for drafts."""
        from engine.copilot.assembly import CopilotDependencies, assembled

        opened, work = self._opened, self._work
        copilot = assembled(
            CopilotDependencies(
                kept=self._workflows.kept_by_copilot,
                clock=opened.clock,
                workspace=opened.workspace,
                config=opened.loaded,
                settings=opened.settings,
                editing=self._workflows.editing,
                workflows=self._workflows.workflows,
                compiled=opened.compiled,
                plan=opened.plan_of_text,
                renames_since=opened.renames_since,
                trials=work.trials,
                runs=work.runs,
                connections=opened.services,
                ready_services=opened.connections.ready_services,
                prompts=self._prompts.prompts,
                cases=self._prompts.cases,
                case_tests=self._prompts.case_tests,
                try_requests=self._prompts.try_requests,
                modes=opened.modes,
                accounts=opened.accounts,
                model_calls=work.model_calls,
                audit=opened.audit,
            )
        )
        opened.to_close(copilot.talking)
        return copilot

    @shared_property
    def first_run(self) -> FirstRun:
        """Five steps to a run on a person's own mail."""
        from engine.first_run.first_run import FirstRun

        opened = self._opened
        workflows, plans, triggers = self._workflows.workflows, self._runs.plans, self._triggers.triggering.triggers
        return FirstRun(opened.workspace, opened.settings, opened.connections, workflows, plans, triggers)
