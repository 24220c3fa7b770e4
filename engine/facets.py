"""The facets that are the same whether a workspace can be written or not."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeVar

from engine.base.clock import Clock
from engine.compiler.definition.environment import Surroundings
from engine.connections.accounts import Accounts
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.store.state import State
from engine.workspace.config import LoadedConfig
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.agents.store import AgentStore
    from engine.connections.connection_failures import Troubles
    from engine.connections.connections import Connections
    from engine.connections.modes import Modes
    from engine.people.trail import AuditTrail
    from engine.prompts.prompts import PromptStore
    from engine.record.run_log import RunLogs
    from engine.runs.renaming import Renaming
    from engine.runs.run_reader import RunReader
    from engine.runs.trying.records import TryRecords
    from engine.runs.usage import UsageReader
    from engine.search.search import Search
    from engine.tables import Tables
    from engine.tools.opened import OpenedTools
    from engine.workspace_files import Files
    from engine.workspace_settings import WorkspaceSettings


class _Closable(Protocol):
    def close(self) -> None: ...


Closable = TypeVar("Closable", bound=_Closable)


class Facets:
    """What `Orchestra` and `Reader` share. Each module is imported on first use."""

    workspace: Workspace
    runs: RunReader
    troubles: Troubles
    _state: State
    _accounts: Accounts
    _audit: Audit
    _clock: Clock
    _logs: RunLogs
    _modes: Modes
    _tools: OpenedTools
    _exits: ExitStack
    """Closes what is open, in the opposite order."""

    def close(self) -> None:
        """Stop working; unfinished runs continue when the workspace is next served or resumed."""
        self._exits.close()

    def _to_close(self, opened: Closable) -> Closable:
        """Have something closed with the workspace: what was opened last is closed first."""
        self._exits.callback(opened.close)
        return opened

    @cached_property
    def trail(self) -> AuditTrail:
        """Who changed what, and when."""
        from engine.people.trail import AuditTrail

        return AuditTrail(self._audit.log)

    @cached_property
    def tables(self) -> Tables:
        """The tables that workflows remember things in."""
        from engine.tables import Tables

        return Tables(self._accounts.open, self._audit)

    @cached_property
    def files(self) -> Files:
        """The files of the workspace that steps read and write."""
        from engine.workspace_files import Files

        return Files(self._accounts.open, self._audit)

    @cached_property
    def general(self) -> WorkspaceSettings:
        """The settings of config.yaml that an owner changes while a server runs."""
        from engine.workspace_settings import WorkspaceSettings

        here = self.workspace
        return WorkspaceSettings(here.root, lambda: self._loaded().config, here.workflows.names, self._audit)

    @cached_property
    def usage(self) -> UsageReader:
        """Tokens and money of models, by what asked and what was asked."""
        from engine.runs.usage import UsageReader

        return UsageReader(self._state.spent, lambda: self._loaded().config, self._clock)

    @cached_property
    def connections(self) -> Connections:
        """Which account each service uses."""
        from engine.connections.connections import Connections

        return Connections(
            self.workspace, self._loaded, self._accounts, self._modes, self._audit, self.troubles, self._clock
        )

    @cached_property
    def search(self) -> Search:
        """What the workspace has, by words."""
        from engine.search.search import Search

        def connections() -> Mapping[str, str]:
            return self._surroundings().connections

        def files(p: Principal, words: str) -> list[str]:
            return [one.path for one in self.files.list(p, words=words).files]

        return Search(self.workspace, connections, self._tools.own.names, self.runs, files)

    @cached_property
    def _renaming(self) -> Renaming:
        from engine.runs.renaming import Renaming

        return Renaming(self._state.renames, self._logs, self.workspace, self._clock)

    @cached_property
    def _prompt_store(self) -> PromptStore:
        from engine.prompts.prompts import PromptStore

        return PromptStore(self.workspace)

    @cached_property
    def _agent_store(self) -> AgentStore:
        from engine.agents.store import AgentStore

        return AgentStore(self.workspace)

    @cached_property
    def _try_records(self) -> TryRecords:
        from engine.runs.trying.records import TryRecords

        return TryRecords(self.workspace.texts)

    def _loaded(self) -> LoadedConfig:
        raise NotImplementedError

    def _surroundings(self) -> Surroundings:
        raise NotImplementedError
