"""The facets that are the same whether a workspace can be written or not."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeVar

from engine.base.clock import Clock
from engine.connections.accounts import Accounts
from engine.people.audit import Audit
from engine.store.state import State
from engine.workspace.config import LoadedConfig
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.people.trail import AuditTrail
    from engine.runs.usage import UsageReader
    from engine.tables import Tables
    from engine.workspace_files import Files
    from engine.workspace_settings import WorkspaceSettings


class _Closable(Protocol):
    def close(self) -> None: ...


Closable = TypeVar("Closable", bound=_Closable)


class Facets:
    """What `Orchestra` and `Reader` share. Each module is imported on first use."""

    workspace: Workspace
    _state: State
    _accounts: Accounts
    _audit: Audit
    _clock: Clock
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

    def _loaded(self) -> LoadedConfig:
        raise NotImplementedError
