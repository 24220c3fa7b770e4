"""What starts runs from outside: triggers, forms and the messages of a broker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from engine.base.statuses import AccountMode
from engine.base.threads import shared_property
from engine.compiler.definition.plan import Plan

if TYPE_CHECKING:
    from engine.assembly.open_workspace import OpenedWorkspace
    from engine.assembly.prompt_areas import PromptAreas
    from engine.assembly.run_areas import RunAreas
    from engine.assembly.work import RunWork
    from engine.ingress.ingress import Ingress
    from engine.triggering.assembly import Triggering


class TriggerAreas:
    """The areas from which runs start by themselves."""

    def __init__(self, opened: OpenedWorkspace, work: RunWork, runs: RunAreas, prompts: PromptAreas) -> None:
        self._opened, self._work, self._runs, self._prompts = opened, work, runs, prompts
        work.worker.queue_adopted.subscribe(self._begin_turns)

    @shared_property
    def triggering(self) -> Triggering:
        """The areas of triggers and forms, the run queue and, in a server, the scheduler."""
        from engine.triggering.assembly import Triggering, TriggeringDependencies

        opened, work = self._opened, self._work
        triggering = Triggering(
            TriggeringDependencies(
                state=opened.state,
                worker=work.worker,
                acceptor=work.acceptor,
                accounts=opened.accounts,
                logs=opened.logs,
                audit=opened.audit,
                clock=opened.clock,
                context=work.trigger_context,
                workflows=opened.workspace.workflows.names,
                resume=partial(work.runs.resume, newest=None),
                links=self._runs.approval_links,
                secret=opened.signing_secret,
                is_closed=lambda name: opened.closed.now().has_named(name),
                about_models=self._about_models,
            )
        )
        return opened.to_close(triggering)

    @shared_property
    def ingress(self) -> Ingress:
        """Messages of a broker that start runs."""
        from engine.ingress.ingress import Ingress

        opened, work = self._opened, self._work

        def plan(name: str, environment: str) -> Plan:
            return work.ready_plan(name, {}, environment)

        locks, folder = work.worker.owner.locks, opened.workspace.state_dir
        return Ingress(opened.loaded, opened.state, work.acceptor, plan, work.is_taken_over, locks, folder)

    def _about_models(self, plan: Plan, modes: Mapping[str, AccountMode]) -> Sequence[str]:
        return self._prompts.model_fits.warnings(plan, modes)  # begun when it is asked for first

    def _begin_turns(self) -> None:
        """Start queued runs that were adopted, when it is their turn."""
        self.triggering.turns.begin()
