"""What is open of a workspace, whether it can be written or not, and the areas that need no more than that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from engine.agents.documents import with_agents
from engine.base.clock import Clock
from engine.base.definitions import PromptDefinition
from engine.base.threads import shared_property
from engine.compiler.definition.environment import Surroundings
from engine.connections.accounts import Accounts
from engine.connections.hosts import hosts
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.people import is_known
from engine.store.state import State
from engine.workspace.config import Config, LoadedConfig
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.agents.store import AgentStore
    from engine.connections.connection_failures import Troubles
    from engine.connections.connections import Connections
    from engine.connections.modes import Modes
    from engine.data.tables import Tables
    from engine.data.workspace_files import WorkspaceFiles
    from engine.operations.workspace_settings import WorkspaceSettings
    from engine.people.trail import AuditTrail
    from engine.prompts.prompts import PromptStore
    from engine.record.run_log import RunLogs
    from engine.runs.renaming import Renaming
    from engine.runs.run_reader import RunReader
    from engine.runs.trying.records import TryRecords
    from engine.runs.usage import UsageReader
    from engine.search.search import WorkspaceSearch
    from engine.tools.opened import OpenedTools
    from engine.workflows.environment_plans import EnvironmentPlans


class _Closable(Protocol):
    def close(self) -> None: ...


Closable = TypeVar("Closable", bound=_Closable)


class OpenedWorkspace:
    """What `Orchestra` and `Reader` share. Each module is imported on first use."""

    config: Config
    """As it was when the workspace was opened."""
    workspace: Workspace
    state: State
    accounts: Accounts
    troubles: Troubles
    audit: Audit
    clock: Clock
    logs: RunLogs
    modes: Modes
    tools: OpenedTools
    plans: EnvironmentPlans

    def __init__(self) -> None:
        self._exits = ExitStack()

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

    def loaded(self) -> LoadedConfig:
        """Return the current settings: a connection added to the file counts from the next run on."""
        raise NotImplementedError

    def settings_now(self) -> Config:
        """Return the current settings without the environment."""
        return self.loaded().config

    def default_environment(self) -> str:
        """Return the environment that config.yaml names as the default one."""
        return self.loaded().config.default_environment

    def surroundings(self) -> Surroundings:
        """Return what workflows may refer to outside their files."""
        return self._around(self.loaded())

    def _around(self, loaded: LoadedConfig) -> Surroundings:
        workspace = self.workspace
        return Surroundings(
            {name: one.service for name, one in loaded.config.connections.items()},
            self._prompt,
            with_agents(lambda: self.agent_store, workspace.workflows.document),
            workspace.workflow_ids.asked(),
            hosts(loaded),
            partial(is_known, self.state.people),
            tools=self.tools.usable,
        )

    def services(self) -> Mapping[str, str]:
        """Return the service of each connection."""
        return self.surroundings().connections

    def _prompt(self, reference: str) -> PromptDefinition:
        return self.prompt_store.resolve(reference)

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

        kept = self.modes, self.audit, self.troubles, self.clock
        return Connections(self.workspace, self.loaded, self.accounts, *kept, self.unclear_workflows)

    def unclear_workflows(self) -> list[str]:
        """Return the workflows that do not say which of several connections they mean, where that can change."""
        return []

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

    @shared_property
    def try_records(self) -> TryRecords:
        """What was asked of models outside of runs, and answered."""
        from engine.runs.trying.records import TryRecords

        return TryRecords(self.workspace.texts)
