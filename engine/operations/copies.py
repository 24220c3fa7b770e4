"""The `copies` area: logs and state at another place, which `logs` and `state` in config.yaml can name then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing

from engine.base.errors import InUse, InvalidInput
from engine.documents.shapes import Misfit
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.record.log_copies import CopiedLogs, copied_logs
from engine.record.run_log import RunLogs
from engine.store.blobs.opened import opened_blobs, require_place
from engine.store.sql.base.copying import CopiedState
from engine.store.sql.base.database import StateDatabase
from engine.store.sql.opening import FILE, copy_state
from engine.workspace.config import Config, LoadedConfig, is_server
from engine.workspace.workspace import Workspace


class Copies:
    """Each copy is checked where it was made; the original stays as it is."""

    def __init__(
        self,
        workspace: Workspace,
        config: Config,
        loaded: Callable[[], LoadedConfig],
        logs: RunLogs,
        database: StateDatabase,
        audit: Audit,
        others: Callable[[Principal], Sequence[str]],
    ) -> None:
        """`config`: where logs and state are in this process; `loaded()` returns the file as it is now.

        `others(p)` returns the ids of the other processes that work on the workspace.
        """
        self._workspace, self._config, self._loaded = workspace, config, loaded
        self._logs, self._database, self._audit, self._others = logs, database, audit, others

    @operation("logs.copy", "admin", "copy the logs", "Copy the logs to another place")
    def logs(self, p: Principal, place: str) -> CopiedLogs:
        """Copy all logs and large values to a place, named as in `logs:` of config.yaml, and check them there.

        Raises InvalidInput (no such place, or the logs are there), InvalidFile (something is missing for it),
        StorageError.
        """
        try:
            require_place(place)
        except Misfit as error:
            raise InvalidInput(f"{error}.", remedy=error.remedy) from error
        if place == self._config.logs:
            raise InvalidInput("The logs are there already.", remedy="Name another place than `logs` in config.yaml.")
        environment = self._loaded().environment
        with closing(opened_blobs(place, self._workspace.logs, environment, self._config.state)) as target:
            copied = copied_logs(self._logs, target)
        self._audit.record(p, "logs.copy", place or "logs/", {"copied": copied.copied})
        return copied

    @operation("state.copy", "admin", "copy the state", "Copy the state to another place")
    def state(self, p: Principal, place: str) -> CopiedState:
        """Copy the state to `postgresql+psycopg://…`, or to `file`, and check it there. No other process may work.

        Secrets are opened, and sealed again with the key that is used there. Raises InvalidInput (it is there already,
        or no such place), InUse (a process works, or the other state is not empty), SecretLost (a key is missing),
        StorageError.
        """
        if place != FILE and not is_server(place):  # it is not shown: it may have a password
            remedy = f"Write postgresql+psycopg://user:password@host:5432/database, or {FILE}."
            raise InvalidInput("This is not a valid state location.", remedy=remedy)
        if place == (self._config.state or FILE):
            raise InvalidInput("The state is there already.", remedy="Name another place than `state` in config.yaml.")
        if others := self._others(p):
            raise InUse(f"Processes work on this workspace: {', '.join(others)}.", remedy="Stop them, then copy.")
        self._audit.record(p, "state.copy", FILE if place == FILE else "a server")
        return copy_state(self._database, self._workspace.state_dir, place, self._loaded().vault.copy_to)
