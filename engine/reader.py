"""Read-only access to a workspace whose folder cannot be written."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.agents.agents import Agents
from engine.agents.compiled_agents import CompiledAgents
from engine.agents.versions import AgentVersions
from engine.assembly.read_only_workspace import ReadOnlyWorkspace
from engine.base.threads import shared_property
from engine.people.people import is_known
from engine.prompts.cases import CaseStore
from engine.prompts.fragment_files import FragmentFiles
from engine.prompts.prompt_cases import PromptCases
from engine.prompts.prompt_files import PromptFiles
from engine.runs.approvals import ApprovalReader
from engine.runs.branches.reader import BranchReader
from engine.runs.budgets import BudgetReader
from engine.runs.environments.reader import EnvironmentReader
from engine.runs.proof import HeldReader
from engine.runs.run_reader import RunReader, waits_for
from engine.runs.trying.matrix_reader import MatrixReader
from engine.runs.trying.matrix_records import MatrixRecords
from engine.runs.trying.reader import TryReader
from engine.runs.trying.recorded import RecordedCalls
from engine.workflows.bundles.bundles import Bundles
from engine.workflows.versions import WorkflowVersions
from engine.workflows.workflow_files import WorkflowFiles
from engine.workspace import config as configuration

if TYPE_CHECKING:
    from engine.connections.connections import Connections
    from engine.data.tables import Tables
    from engine.data.workspace_files import WorkspaceFiles
    from engine.operations.attention import AttentionReader
    from engine.operations.workspace_settings import WorkspaceSettings
    from engine.people.trail import AuditTrail
    from engine.people.users import UserReader
    from engine.runs.usage import UsageReader
    from engine.search.search import WorkspaceSearch
    from engine.triggering.polling.context import TriggerContext
    from engine.triggering.triggers import TriggerReader


class Reader:
    """The areas of `Orchestra` that read: `workflows, versions, branches, bundles, environments, prompts, fragments,
    tries, cases, case_tests, runs, proof, approvals, budgets, usage, connections, users, trail, triggers, attention,
    tables, files, general, search`. `as_served`: see each service's account as the server does.

    Close it when done. Only their reading methods work; others raise StorageError, since nothing could be recorded.
    """

    def __init__(self, root: Path, *, demo: bool = False, as_served: bool = False) -> None:
        self._opened = opened = ReadOnlyWorkspace(root, demo=demo, as_served=as_served)
        with ExitStack() as failed:
            failed.callback(opened.close)
            self._assemble(opened)
            failed.pop_all()

    def _assemble(self, opened: ReadOnlyWorkspace) -> None:
        self.config, self.workspace, self.troubles = opened.config, opened.workspace, opened.troubles
        here, plans, audit, clock = opened.workspace, opened.plans, opened.audit, opened.clock
        self.environments = EnvironmentReader(plans)
        self.workflows = WorkflowFiles(here, plans.as_they_are, audit, opened.renaming)
        self.versions = WorkflowVersions(here, plans.kept, self.workflows, audit, clock)
        self.branches = BranchReader(here.workflows)
        self.bundles = Bundles(here, self.workflows, opened.services, audit)
        self.prompts = PromptFiles(opened.prompt_store, audit)
        self.fragments = FragmentFiles(opened.prompt_store.fragments, audit)
        self.cases = PromptCases(CaseStore(here.prompts), audit)
        agents = opened.agent_store
        self.agents = Agents(agents, CompiledAgents(agents, opened.surroundings), audit)
        self.agent_versions = AgentVersions(agents, self.agents, audit, clock)
        told = waits_for(opened.state.claims, opened.config.run_limits, clock)
        self.runs = RunReader(opened.state, opened.logs, here.workflow_ids, "", opened.owner_locks, clock, told)
        self._recorded_calls = RecordedCalls(self.runs, opened.logs.blobs)

    def close(self) -> None:
        """Close what is open."""
        self._opened.close()

    @property
    def connections(self) -> Connections:
        """Which account each service uses."""
        return self._opened.connections

    @property
    def usage(self) -> UsageReader:
        """Tokens and money of models, by what asked and what was asked."""
        return self._opened.usage

    @property
    def trail(self) -> AuditTrail:
        """Who changed what, and when."""
        return self._opened.trail

    @property
    def tables(self) -> Tables:
        """The tables that workflows remember things in."""
        return self._opened.tables

    @property
    def files(self) -> WorkspaceFiles:
        """The files of the workspace that steps read and write."""
        return self._opened.files

    @property
    def general(self) -> WorkspaceSettings:
        """The settings of config.yaml that an owner changes while a server runs."""
        return self._opened.general

    @shared_property
    def search(self) -> WorkspaceSearch:
        """What the workspace has, by words."""
        return self._opened.searching(self.runs)

    @shared_property
    def approvals(self) -> ApprovalReader:
        """Questions that runs ask people."""
        state, loaded, workflows = self._opened.state, self._opened.loaded, self._opened.workspace.workflows
        is_user = partial(is_known, state.people)
        return ApprovalReader(state.approvals, lambda: configuration.warnings(loaded(), is_user, workflows.names))

    @shared_property
    def tries(self) -> TryReader:
        """Questions to models outside of runs."""
        opened = self._opened
        return TryReader(opened.try_records, self._recorded_calls, opened.state.owners, "", opened.clock)

    @shared_property
    def case_tests(self) -> MatrixReader:
        """Tests of prompts with their cases."""
        opened = self._opened
        return MatrixReader(MatrixRecords(opened.workspace.texts, opened.state.owners, "", opened.clock))

    @shared_property
    def proof(self) -> HeldReader:
        """Whether writes are held."""
        return HeldReader(self._opened.state.proof)

    @shared_property
    def budgets(self) -> BudgetReader:
        """What model calls may use, and have used."""
        opened = self._opened
        return BudgetReader(opened.state.spent, opened.settings_now, opened.workspace.workflows, opened.clock)

    @shared_property
    def users(self) -> UserReader:
        """Who may sign in."""
        from engine.people.users import UserReader

        return UserReader(self._opened.state, self._opened.audit, self._opened.clock)

    @shared_property
    def triggers(self) -> TriggerReader:
        """What starts runs automatically."""
        from engine.triggering.polling.resolver import TriggerResolver
        from engine.triggering.statuses import TriggerStatuses
        from engine.triggering.triggers import TriggerReader

        state, names, clock = self._opened.state, self.workspace.workflows.names, self._opened.clock
        resolver = TriggerResolver(self._trigger_context(), self._opened.accounts, state.triggered_runs)
        statuses = TriggerStatuses(state.triggered_runs, state.triggers, state.items, resolver, names, clock)
        return TriggerReader(state.items, resolver, statuses, clock)

    @shared_property
    def attention(self) -> AttentionReader:
        """What needs a person."""
        from engine.operations.attention import AttentionReader

        return AttentionReader(self.runs, self.triggers, self.approvals, self.connections, self.budgets, self.proof)

    def _trigger_context(self) -> TriggerContext:
        from engine.connections.agreements import Agreements
        from engine.runs.starting.consent import Consents
        from engine.triggering.polling.context import TriggerContext
        from engine.workflows.plan_cache import PlanCache

        opened, agreements = self._opened, Agreements(self._opened.state.settings)
        accounts, audit, renamed = opened.accounts, opened.audit, opened.state.renames.last
        return TriggerContext(
            root=opened.workspace.root,
            loaded=opened.loaded,
            plan=opened.plans.trigger_plan,
            ids=opened.workspace.workflow_ids,
            mode=opened.modes.of,
            connections=opened.connections,
            troubles=opened.troubles,
            consents=Consents(agreements, accounts, audit, PlanCache(), opened.services, renamed),
            clock=opened.clock,
            state_dir=opened.workspace.state_dir,
        )
