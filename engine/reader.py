"""Read-only access to a workspace whose folder cannot be written."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.agents.agents import Agents
from engine.agents.compiled_agents import CompiledAgents
from engine.agents.documents import with_agents
from engine.agents.versions import AgentVersions
from engine.base.clock import utc_now
from engine.base.statuses import AccountMode
from engine.compiler.definition.environment import Surroundings
from engine.connections.accounts import Accounts
from engine.connections.connection_failures import Troubles
from engine.connections.hosts import hosts
from engine.connections.modes import Modes
from engine.connections.stand_ins import StandInProcess
from engine.facets import Facets
from engine.people.audit import Audit
from engine.people.people import is_known
from engine.prompts.cases import CaseStore
from engine.prompts.fragment_files import FragmentFiles
from engine.prompts.prompt_cases import PromptCases
from engine.prompts.prompt_files import PromptFiles
from engine.record.run_log import RunLogs
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
from engine.store.blobs.opened import opened_blobs
from engine.store.sql.opening import open_read_only
from engine.store.sql.state import SqlState
from engine.store.state import State
from engine.tools.opened import OpenedTools
from engine.workflows.bundles.bundles import Bundles
from engine.workflows.environment_plans import EnvironmentPlans
from engine.workflows.versions import WorkflowVersions
from engine.workflows.workflow_files import WorkflowFiles
from engine.workspace import config as configuration
from engine.workspace.config import LoadedConfig
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.attention import AttentionReader
    from engine.people.users import UserReader
    from engine.triggering.polling.context import TriggerContext
    from engine.triggering.triggers import TriggerReader


class Reader(Facets):
    """The facets of `Orchestra` that read: `workflows, versions, branches, bundles, environments, prompts, fragments,
    tries, cases, case_tests, runs, proof, approvals, budgets, usage, connections, users, trail, triggers, attention,
    tables, files, general, search`. `as_served`: see each service's account as the server does.

    Close it when done. Only their reading methods work; others raise StorageError, since nothing could be recorded.
    """

    def __init__(self, root: Path, *, demo: bool = False, as_served: bool = False) -> None:
        self._exits = ExitStack()
        with ExitStack() as failed:
            failed.callback(self.close)
            found = configuration.load(root)
            self.config, self._clock = found.config, utc_now
            state = root.resolve() / self.config.state_dir
            self._database = open_read_only(state, self.config.state)
            self._state: State = self._to_close(SqlState(self._database))
            self.workspace = Workspace(root, self.config.state_dir, texts=self._database.texts)
            blobs = opened_blobs(self.config.logs, self.workspace.logs, found.environment, self.config.state)
            self._tools = OpenedTools(self.workspace.root)
            self._audit = audit = Audit(self._state.audit, utc_now)
            self._logs = logs = RunLogs(self._to_close(blobs))
            loaded = self._loaded
            self._accounts = self._to_close(Accounts(loaded, StandInProcess(state / "demo"), shared=state))
            self._plans = plans = EnvironmentPlans(
                self.workspace, self._surroundings, lambda: loaded().config.default_environment
            )
            self.environments = EnvironmentReader(plans)
            self.workflows = WorkflowFiles(self.workspace, plans.as_they_are, audit, self._renaming)
            self.versions = WorkflowVersions(self.workspace, plans.kept, self.workflows, audit, utc_now)
            self.branches = BranchReader(self.workspace.workflows)
            self.bundles = Bundles(self.workspace, self.workflows, lambda: self._surroundings().connections, audit)
            self.prompts = PromptFiles(self._prompt_store, audit)
            self.fragments = FragmentFiles(self._prompt_store.fragments, audit)
            self.cases = PromptCases(CaseStore(self.workspace.prompts), audit)
            default = AccountMode.DEMO if as_served else AccountMode.MINE
            self._modes = Modes(self._state.settings, default, forced=demo)
            ids = self.workspace.workflow_ids
            self.troubles = Troubles(self._state.refusals, loaded, self._accounts, utc_now, ids)
            self.agents = Agents(self._agent_store, CompiledAgents(self._agent_store, self._surroundings), audit)
            self.agent_versions = AgentVersions(self._agent_store, self.agents, audit, utc_now)
            owners = self._database.locks(state / "owners")
            told = waits_for(self._state.claims, self.config.run_limits, utc_now)
            self.runs = RunReader(self._state.runs, self._state.owners, logs, ids, "", owners, utc_now, told)
            self._recorded_calls = RecordedCalls(self.runs, logs.blobs)
            failed.pop_all()

    @cached_property
    def approvals(self) -> ApprovalReader:
        """Questions that runs ask people."""
        is_user = partial(is_known, self._state.people)
        return ApprovalReader(self._state.approvals, lambda: configuration.warnings(self._loaded(), is_user))

    @cached_property
    def tries(self) -> TryReader:
        """Questions to models outside of runs."""
        return TryReader(self._try_records, self._recorded_calls, self._state.owners, "", utc_now)

    @cached_property
    def case_tests(self) -> MatrixReader:
        """Tests of prompts with their cases."""
        return MatrixReader(MatrixRecords(self.workspace.texts, self._state.owners, "", utc_now))

    @cached_property
    def proof(self) -> HeldReader:
        """Whether writes are held."""
        return HeldReader(self._state.proof)

    @cached_property
    def budgets(self) -> BudgetReader:
        """What model calls may use, and have used."""
        return BudgetReader(self._state.spent, lambda: self._loaded().config, self.workspace.workflows, utc_now)

    @cached_property
    def users(self) -> UserReader:
        """Who may sign in."""
        from engine.people.users import UserReader

        return UserReader(self._state, self._audit, utc_now)

    @cached_property
    def triggers(self) -> TriggerReader:
        """What starts runs automatically."""
        from engine.triggering.polling.resolver import TriggerResolver
        from engine.triggering.statuses import TriggerStatuses
        from engine.triggering.triggers import TriggerReader

        state, names = self._state, self.workspace.workflows.names
        resolver = TriggerResolver(self._trigger_context(), self._accounts, state.triggered_runs)
        statuses = TriggerStatuses(state.triggered_runs, state.triggers, state.items, resolver, names, utc_now)
        return TriggerReader(state.items, resolver, statuses, utc_now)

    @cached_property
    def attention(self) -> AttentionReader:
        """What needs a person."""
        from engine.attention import AttentionReader

        return AttentionReader(self.runs, self.triggers, self.approvals, self.connections, self.budgets, self.proof)

    def _trigger_context(self) -> TriggerContext:
        from engine.connections.agreements import Agreements
        from engine.runs.starting.consent import Consents
        from engine.triggering.polling.context import TriggerContext
        from engine.workflows.plan_cache import PlanCache

        agreements, named = Agreements(self._state.settings), lambda: self._surroundings().connections
        return TriggerContext(
            root=self.workspace.root,
            loaded=self._loaded,
            plan=self._plans.trigger_plan,
            ids=self.workspace.workflow_ids,
            mode=self._modes.of,
            connections=self.connections,
            troubles=self.troubles,
            consents=Consents(agreements, self._accounts, self._audit, PlanCache(), named, self._state.renames.last),
            clock=utc_now,
            state_dir=self.workspace.state_dir,
        )

    def _loaded(self) -> LoadedConfig:
        return replace(configuration.load(self.workspace.root), texts=self.workspace.texts)

    def _surroundings(self) -> Surroundings:
        loaded, workspace = self._loaded(), self.workspace
        services = {name: one.service for name, one in loaded.config.connections.items()}
        asked = workspace.workflow_ids.asked()
        prompts = self._prompt_store.resolve
        is_user = partial(is_known, self._state.people)
        documents = with_agents(lambda: self._agent_store, workspace.workflows.document)
        return Surroundings(
            services,
            prompts,
            documents,
            asked,
            hosts(loaded),
            is_user,
            tools=self._tools.usable,
        )
