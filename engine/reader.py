"""A workspace that is only looked at: all that can be told of it where its folder cannot be written."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from engine.clock import utc_now
from engine.compiler.compiler import Surroundings
from engine.connections.accounts import Accounts
from engine.connections.connections import Connections
from engine.connections.modes import Modes
from engine.connections.stand_ins import StandInProcess
from engine.connections.troubles import Troubles
from engine.people.audit import Audit
from engine.prompts.prompt_files import PromptFiles
from engine.prompts.prompts import PromptStore
from engine.runs.approvals import ApprovalReader
from engine.runs.renaming import Renaming
from engine.runs.run_log import RunLogs
from engine.runs.run_reader import RunReader
from engine.settings import Settings
from engine.store.read_only import ReadOnlyDatabase
from engine.store.run_rows import RunRows
from engine.workspace import config as configuration
from engine.workspace.workflow_files import WorkflowFiles
from engine.workspace.workspace import Workspace


class Reader:
    """The facets of `Orchestra` that tell something: `workflows, prompts, runs, approvals, connections`.

    Close it when done.

    They are meant for looking: whatever else they offer ends in StorageError, since it could not be recorded.
    """

    def __init__(self, root: Path, *, demo: bool = False) -> None:
        self.config = configuration.load(root).config
        self.workspace = Workspace(root, self.config.state_dir)
        state = self.workspace.state_dir
        self._database = ReadOnlyDatabase(state)
        self._prompt_store = PromptStore(self.workspace)
        audit = Audit(self._database, utc_now)
        modes = Modes(Settings(self._database), "mine", forced=demo)
        loaded = partial(configuration.load, self.workspace.root)
        self._accounts = Accounts(loaded, StandInProcess(state / "demo"))
        self.workflows = WorkflowFiles(
            self.workspace,
            self._surroundings,
            audit,
            Renaming(self._database, RunLogs(self.workspace.logs), self.workspace.workflows, utc_now),
        )
        self.prompts = PromptFiles(self._prompt_store, audit)
        troubles = Troubles(self._database, loaded, self._accounts, utc_now)
        self.connections = Connections(self.workspace, loaded, self._accounts, modes, audit, troubles, utc_now)
        rows = RunRows(self._database)
        self.approvals = ApprovalReader(self._database)
        self.runs = RunReader(rows, RunLogs(self.workspace.logs), "", state / "owners", utc_now)

    def close(self) -> None:
        """Close the state."""
        self._accounts.close()
        self._database.close()

    def _surroundings(self) -> Surroundings:
        connections = configuration.load(self.workspace.root).config.connections
        services = {name: one.service for name, one in connections.items()}
        return Surroundings(services, self._prompt_store.resolve, self.workspace.workflows.document)
