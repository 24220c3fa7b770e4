"""Runs before and while they are worked on: their previews, plans, questions and budgets."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from engine.base.problem import Problem
from engine.base.threads import shared_property
from engine.compiler.definition.plan import Plan
from engine.people.access import Principal
from engine.people.operation import operation
from engine.people.people import is_known
from engine.workspace import config as configuration

if TYPE_CHECKING:
    from engine.assembly.open_workspace import OpenedWorkspace
    from engine.assembly.work import RunWork
    from engine.runs.approval_links import ApprovalLinks
    from engine.runs.approvals import Approval, Approvals
    from engine.runs.budgets import Budgets
    from engine.runs.exporting.run_bundles import RunBundles
    from engine.runs.planning.plans import Plans
    from engine.runs.starting.preview import RunPreviews


class RunAreas:
    """The areas of runs that need only what accepts them."""

    def __init__(self, opened: OpenedWorkspace, work: RunWork) -> None:
        self._opened, self._work = opened, work

    @operation("workflows.plan_in", "view", "see workflows", "Read a workflow as an environment runs it")
    def plan(self, p: Principal, workflow: str, environment: str = "") -> Plan:
        """Return a workflow as it runs in an environment, by default the default one.

        Raises UnknownName, InvalidFile with every problem, and InvalidInput if it is not in the environment.
        """
        return self._opened.plan(workflow, environment)

    @shared_property
    def previews(self) -> RunPreviews:
        """What runs would touch, shown before they start."""
        from engine.runs.starting.preview import RunPreviews

        work = self._work

        def ready_plan(workflow: str, environment: str) -> Plan:
            return work.ready_plan(workflow, {}, environment)

        return RunPreviews(work.acceptor, self._opened.accounts, ready_plan)

    @operation("runs.is_confirmed", "run", "start runs", "Ask whether runs of a workflow have consent")
    def is_confirmed(self, p: Principal, workflow: str, environment: str = "") -> bool:
        """Tell whether somebody has agreed to the real accounts that runs of a workflow would touch now.

        This calls no service, so it misses what only `preview` and the start of a run can detect: a repository that is
        public, another account behind the same key.
        """
        return self._work.trigger_context.is_agreed(self._opened.plan(workflow, environment))

    @shared_property
    def plans(self) -> Plans:
        """What runs would write, shown before they do."""
        from engine.runs.planning.plans import Plans

        opened, work = self._opened, self._work
        plans, settings = work.current_plans, opened.settings_now
        return Plans(work.worker, opened.logs, opened.clock, work.runs, plans, work.acceptor, settings)

    @shared_property
    def bundles(self) -> RunBundles:
        """Runs as files, and their replays."""
        from engine.runs.exporting.run_bundles import RunBundles

        opened, work = self._opened, self._work
        return RunBundles(work.runs, opened.logs, opened.loaded, work.worker, work.acceptor, opened.audit)

    @shared_property
    def approvals(self) -> Approvals:
        """Questions that runs ask people."""
        from engine.runs.approvals import Approvals

        opened = self._opened
        is_user = partial(is_known, opened.state.people)

        def warnings() -> list[Problem]:
            return configuration.warnings(opened.loaded(), is_user, opened.workspace.workflows.names)

        return Approvals(opened.state.approvals, self._work.worker, opened.audit, opened.clock, warnings)

    @shared_property
    def approval_links(self) -> ApprovalLinks:
        """Answers by signed links."""
        from engine.runs.approval_links import ApprovalLinks

        opened = self._opened

        def is_on() -> bool:
            return opened.settings_now().approvals.notify is not None

        def is_closed(approval: Approval) -> bool:
            return opened.narrows_answers(approval.run_id, approval.workflow)

        return ApprovalLinks(self.approvals, opened.signing_secret, opened.clock, is_on, is_closed)

    @shared_property
    def budgets(self) -> Budgets:
        """What model calls may use, and have used."""
        from engine.runs.budgets import Budgets
        from engine.workspace.config_section import write_section

        opened, file_store = self._opened, self._opened.workspace.workflows
        write = partial(write_section, opened.workspace.root, "budgets")
        spent, settings, worker = opened.state.spent, opened.settings_now, self._work.worker
        return Budgets(spent, settings, file_store, worker, opened.audit, opened.clock, write)
