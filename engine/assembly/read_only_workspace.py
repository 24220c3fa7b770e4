"""Opens a workspace to read it, where its folder cannot be written."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from engine.assembly.open_workspace import OpenedWorkspace
from engine.base.clock import utc_now
from engine.base.statuses import AccountMode
from engine.connections.accounts import Accounts
from engine.connections.connection_failures import Troubles
from engine.connections.modes import Modes
from engine.connections.stand_ins import StandInProcess
from engine.people.audit import Audit
from engine.record.run_log import RunLogs
from engine.store.blobs.opened import opened_blobs
from engine.store.locks import Locks
from engine.store.sql.opening import open_read_only, replica_at
from engine.store.sql.state import SqlState
from engine.tools.opened import OpenedTools
from engine.workflows.environment_plans import EnvironmentPlans
from engine.workspace import config as configuration
from engine.workspace.config import LoadedConfig
from engine.workspace.workspace import Workspace


class ReadOnlyWorkspace(OpenedWorkspace):
    """An opened workspace to which nothing is written. If opening it fails, whatever was opened is closed."""

    def __init__(self, root: Path, *, demo: bool, as_served: bool) -> None:
        super().__init__()
        with ExitStack() as failed:
            failed.callback(self.close)
            found = configuration.load(root)
            self.config, self.clock = found.config, utc_now
            state = root.resolve() / self.config.state_dir
            database = open_read_only(state, self.config.state)
            self.state = self.to_close(SqlState(database, replica_at(self.config.state_replica)))
            self.workspace = Workspace(root, self.config.state_dir, texts=database.texts)
            blobs = opened_blobs(self.config.logs, self.workspace.logs, found.environment, self.config.state)
            self.tools = OpenedTools(self.workspace.root)
            self.audit = Audit(self.state.audit, utc_now)
            self.logs = RunLogs(self.to_close(blobs))
            self.accounts = self.to_close(Accounts(self.loaded, StandInProcess(state / "demo"), shared=state))
            self.plans = EnvironmentPlans(self.workspace, self.surroundings, self.default_environment)
            self.modes = Modes(self.state.settings, AccountMode.DEMO if as_served else AccountMode.MINE, forced=demo)
            ids = self.workspace.workflow_ids
            self.troubles = Troubles(self.state.refusals, self.loaded, self.accounts, utc_now, ids)
            self.owner_locks: Locks = database.locks(state / "owners")
            failed.pop_all()

    def loaded(self) -> LoadedConfig:
        """Return the current settings."""
        return replace(configuration.load(self.workspace.root), texts=self.workspace.texts)
