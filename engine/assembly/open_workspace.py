"""What is open of a workspace: its lock, state, blobs, accounts and plans, and the areas that need no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from engine.agents.documents import with_agents
from engine.base.clock import Clock, utc_now
from engine.base.definitions import PromptDefinition
from engine.base.errors import InvalidFile, UnknownName
from engine.base.names import RUN_ID, is_branch, workflow_id_of
from engine.base.statuses import AccountMode
from engine.base.threads import shared_property
from engine.compiler.definition.environment import CompilerContext, SeenAccount
from engine.compiler.definition.plan import Plan
from engine.connections.account_notices import AccountNotices
from engine.connections.accounts import Accounts
from engine.connections.hosts import hosts
from engine.connections.modes import Modes
from engine.connections.paces import opened_paces
from engine.connections.stand_ins import StandInProcess
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.people import is_known
from engine.record.run_log import RunLogs
from engine.record.storable import unstorable
from engine.runs.proof import Proof
from engine.store.blobs.opened import opened_blobs
from engine.store.locks import ServeLock
from engine.store.owners import Owner
from engine.store.sql.opening import open_database, replica_at, soundness_of
from engine.store.sql.state import SqlState
from engine.store.sql.workers.owners import SqlOwner
from engine.store.sqlite.damage import set_aside
from engine.store.state import State
from engine.store.write_list import WriteList
from engine.tools.opened import OpenedTools
from engine.workflows.closed_workflows import ClosedWorkflows
from engine.workflows.compiled_files import CompiledFiles
from engine.workflows.environment_plans import EnvironmentPlans
from engine.workspace import config as configuration
from engine.workspace.config import Config, LoadedConfig
from engine.workspace.config_files import ConfigFiles
from engine.workspace.step_renames import StepRenames
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from clients.pacing.paces import Paces
    from engine.agents.store import AgentStore
    from engine.assembly.gate import AccessGate
    from engine.connections.connections import Connections
    from engine.data.tables import Tables
    from engine.data.workspace_files import WorkspaceFiles
    from engine.operations.workspace_settings import WorkspaceSettings
    from engine.people.trail import AuditTrail
    from engine.prompts.prompts import PromptStore
    from engine.runs.reindex import Rebuild
    from engine.runs.renaming import Renaming
    from engine.runs.run_reader import RunReader
    from engine.runs.usage import UsageReader
    from engine.search.search import WorkspaceSearch


class _Closable(Protocol):
    def close(self) -> None: ...


Closable = TypeVar("Closable", bound=_Closable)


def set_aside_damaged_state(workspace: Path) -> Path | None:
    """Move a damaged state file away; return its new path, None if it is intact.

    Raises UnknownName, InvalidFile, InUse, StorageError.
    """
    config = configuration.load(workspace).config
    return None if config.state else set_aside(Workspace(workspace, config.state_dir).state_dir, utc_now())


class OpenedWorkspace:
    """An opened workspace. If opening it fails, whatever was opened is closed.

    `is_read_only`: its folder cannot be written, so nothing is created or changed.
    """

    def __init__(
        self, root: Path, clock: Clock, *, demo: bool, serve: bool, as_served: bool, is_read_only: bool
    ) -> None:
        self._exits = ExitStack()
        self.clock, self.is_read_only = clock, is_read_only
        with ExitStack() as failed:
            failed.callback(self.close)
            loaded = self._open_state(root, serve=serve)
            self.stand_ins = self.to_close(StandInProcess(self.workspace.state_dir / "demo"))
            self.settings = self.state.settings
            default = AccountMode.DEMO if serve or as_served else AccountMode.MINE
            self.modes = Modes(self.settings, default, forced=demo)
            self._open_accounts(loaded)
            self.closed = ClosedWorkflows(self.workspace.workflows, self.settings, is_read_only=is_read_only)
            self.workspace.workflow_ids.reserved = self.closed.taken
            renamed = self.state.renames.last
            self.plans = EnvironmentPlans(self.workspace, self.compiler_context, self.default_environment, renamed)
            self._prove()
            self.end_renames()
            failed.pop_all()

    def _open_state(self, root: Path, *, serve: bool) -> LoadedConfig:
        """Open the state with what is beside it; return the settings."""
        self._config_files = ConfigFiles(root)
        loaded = self._config_files.loaded()
        self.config = config = loaded.config
        state = root.resolve() / config.state_dir
        if serve:
            self.to_close(ServeLock(state))
        self.database = open_database(state, config.state, loaded.queue_url, is_read_only=self.is_read_only)
        self.state: State = self.to_close(SqlState(self.database, replica_at(config.state_replica)))
        self.workspace = Workspace(root, config.state_dir, self.clock, self.database.texts)
        if not self.is_read_only:
            self.workspace.make_private()
        self._config_files.keep_secrets_in(self.workspace.texts)
        blobs = opened_blobs(config.logs, self.workspace.logs, loaded.environment, config.state)
        self.logs = RunLogs(self.to_close(blobs))
        self.tools = OpenedTools(self.workspace.root)
        self.audit = Audit(self.state.audit, self.clock)
        return loaded

    def _open_accounts(self, loaded: LoadedConfig) -> None:
        """Open the accounts of the connections, which keep to the pace of all processes, and those that refuse."""
        state, is_shared = self.workspace.state_dir, bool(self.config.state)
        paces: Paces | None = None  # None: this process keeps its own
        if not self.is_read_only:
            paces = opened_paces(state, self.settings, is_shared=is_shared, cache=loaded.cache_url)
        accounts = Accounts(self.loaded, self.stand_ins, self.config.limits.calls_at_once, state, paces)
        self.accounts = self.to_close(accounts)
        names = self.workspace.workflow_ids
        self.account_notices = AccountNotices(self.state.account_notices, self.loaded, accounts, self.clock, names)
        if not self.is_read_only:
            accounts.notices = self.account_notices

    def _prove(self) -> None:
        """Rebuild a lost or outdated state: it must not make anything happen twice."""
        state = self.workspace.state_dir
        self.writes = WriteList(state, self.workspace.logs)
        owners = state / "owners"
        self.proof = Proof(self.state.proof, self.writes, self.logs, self._rebuild, owners, self.audit, self.clock)
        if not self.is_read_only:
            self.proof.establish()

    def _rebuild(self, *, is_lost: bool) -> Rebuild:
        from engine.runs.reindex import Rebuild

        return Rebuild(self.state, self.logs, self.services, is_lost=is_lost)

    def owner(self, kind: str, slots: int | None) -> Owner:
        """Return this process as an owner of runs. `slots`: how many it takes at once, None if it shares no runs."""
        return SqlOwner(
            self.database,
            self.workspace.state_dir / "owners",
            kind,
            self.clock,
            lease_seconds=self.config.limits.lease_seconds,
            blobs=self.logs.blobs,
            slots=slots,
            limits=self.config.run_limits,
        )

    def narrows_answers(self, run_id: str, workflow: str) -> bool:
        """Return whether not everybody who may start runs may see and answer the questions of a run."""
        closed = self.closed.now()
        found = [closed.of_id(id_) for _, id_ in self.state.runs.workflows_of(run_id)] or [closed.of(workflow)]
        return any(one is not None and one.narrows_answers for one in found)

    def gate(self) -> AccessGate:
        """Return what compares everything that people ask with the `access` of workflows."""
        from engine.assembly.gate import AccessGate, QuestionOrigin, RunOrigin

        def ran(run_id: str) -> RunOrigin | None:
            if RUN_ID.match(run_id) is None:
                return None
            found = self.state.runs.workflows_of(run_id)
            if not found and (logged := self.logs.read(run_id)) is not None:
                found = [(logged["workflow"], workflow_id_of(logged))]
            return RunOrigin(found[0][0], found[0][1], tuple(id_ for _, id_ in found[1:])) if found else None

        def asked(question: str) -> QuestionOrigin | None:
            found = None if any(unstorable(question)) else self.state.approvals.get(question)
            return None if found is None else QuestionOrigin(found.run_id, found.workflow)

        return AccessGate(self.closed, ran, asked)

    def soundness(self) -> Callable[[], None]:
        """Return the check that raises StorageError if the state cannot be read, DamagedState if it is damaged."""
        return soundness_of(self.database)

    @property
    def compiled(self) -> CompiledFiles:
        """The workflow files, with the names of the default environment."""
        return self.plans.as_they_are

    def loaded(self) -> LoadedConfig:
        """Return the current settings: a connection added to the file counts from the next run on."""
        return self._config_files.loaded()

    def signing_secret(self) -> bytes:
        """Return what signs tokens and links, for every process of the workspace."""
        from engine.secrets.shared_key import signing_secret

        return signing_secret(self.workspace.state_dir, self.loaded().vault)

    def compiler_context(self) -> CompilerContext:
        """Return what workflows may refer to outside their files."""
        loaded, workspace = self.loaded(), self.workspace
        return CompilerContext(
            {name: one.service for name, one in loaded.config.connections.items()},
            self._prompt,
            with_agents(lambda: self.agent_store, workspace.workflows.document),
            workspace.workflow_ids.asked(),
            hosts(loaded),
            partial(is_known, self.state.people),
            tools=self.tools.usable,
            seen=self._seen,
            lacks=self._lacks,
            own_settings=loaded.own_settings,
        )

    def _seen(self, connection: str) -> SeenAccount | None:
        return self.connections.seen(connection)  # imported only if a step has a connection

    def _lacks(self, connection: str) -> tuple[str, str]:
        return self.connections.lacks(connection)

    def end_renames(self) -> None:
        """Finish renames that a crash or a full disk interrupted, so that receipts follow the steps."""
        if not self.is_read_only and self.state.renames.is_begun():
            self.renaming.settle()

    def renames_since(self, workflow: str, at: str) -> StepRenames:
        """Return the steps renamed in the file of a workflow since a time, oldest first; a branch has no receipts."""
        return () if is_branch(workflow) else self.logs.renames().since(self.workspace.workflow_ids.of(workflow), at)

    def plan(self, name: str, environment: str = "") -> Plan:
        """Return the plan of a workflow for runs; it finds records written under earlier ids of its steps."""
        return self.after_renames(lambda: self.plans.plan(name, environment))

    def plan_of_text(self, name: str, text: str) -> Plan:
        """Return the plan of an edited text of a workflow."""
        return self.after_renames(lambda: self.compiled.plan(name, text))

    def after_renames(self, plan: Callable[[], Plan]) -> Plan:
        """Return a plan that agrees with the files after all renames."""
        self.end_renames()
        try:
            return plan()
        except (InvalidFile, UnknownName):  # what it names may have been renamed between two reads of the files
            self.end_renames()
            return plan()

    def close(self) -> None:
        """Close what is open, in the opposite order."""
        self._exits.close()

    def to_close(self, opened: Closable) -> Closable:
        """Have something closed with the workspace: what was opened last is closed first."""
        self._exits.callback(opened.close)
        return opened

    def before_closing(self, stop: Callable[[], object]) -> None:
        """Have something called before what was opened until now is closed."""
        self._exits.callback(stop)

    def settings_now(self) -> Config:
        """Return the current settings without the environment."""
        return self.loaded().config

    def default_environment(self) -> str:
        """Return the environment that config.yaml names as the default one."""
        return self.loaded().config.default_environment

    def services(self) -> Mapping[str, str]:
        """Return the service of each connection."""
        return self.compiler_context().connections

    def _prompt(self, reference: str) -> PromptDefinition:
        return self.prompt_store.resolve(reference)

    # --- areas that need no more; each module is imported on first use

    @shared_property
    def trail(self) -> AuditTrail:
        """Who changed what, and when."""
        from engine.people.trail import AuditTrail

        return AuditTrail(self.state.reports)

    @shared_property
    def tables(self) -> Tables:
        """The tables that workflows remember things in."""
        from engine.data.tables import Tables

        return Tables(self.accounts.open, self.audit)

    @shared_property
    def files(self) -> WorkspaceFiles:
        """The files of the workspace that steps read and write."""
        from engine.data.workspace_files import WorkspaceFiles

        return WorkspaceFiles(self.accounts.open, self.audit)

    @shared_property
    def general(self) -> WorkspaceSettings:
        """The settings of config.yaml that an owner changes while a server runs."""
        from engine.operations.workspace_settings import WorkspaceSettings

        return WorkspaceSettings(self.workspace.root, self.settings_now, self.workspace.workflows.names, self.audit)

    @shared_property
    def usage(self) -> UsageReader:
        """Tokens and money of models, by what asked and what was asked."""
        from engine.runs.usage import UsageReader

        return UsageReader(self.state.spent, self.state.reports, self.settings_now, self.clock)

    @shared_property
    def connections(self) -> Connections:
        """Which account each service uses."""
        from engine.connections.connections import Connections
        from engine.workflows.connection_users import ConnectionUsers

        kept = self.modes, self.audit, self.account_notices, self.clock
        users = ConnectionUsers(lambda: self.compiled, self.workspace)
        return Connections(self.workspace, self.loaded, self.accounts, *kept, users)

    def searching(self, runs: RunReader) -> WorkspaceSearch:
        """Return what finds things in the workspace by words."""
        from engine.search.search import WorkspaceSearch

        def files(p: Principal, words: str) -> list[str]:
            return [one.path for one in self.files.list(p, words=words).files]

        return WorkspaceSearch(self.workspace, self.services, self.tools.own.names, runs, files)

    @shared_property
    def renaming(self) -> Renaming:
        """Renames of steps and workflows in what refers to them."""
        from engine.runs.renaming import Renaming

        return Renaming(self.state.renames, self.logs, self.workspace, self.clock)

    @shared_property
    def prompt_store(self) -> PromptStore:
        """The files of prompts."""
        from engine.prompts.prompts import PromptStore

        return PromptStore(self.workspace)

    @shared_property
    def agent_store(self) -> AgentStore:
        """The files of agents."""
        from engine.agents.store import AgentStore

        return AgentStore(self.workspace)
