"""The processes that work on the runs of a workspace, on any machine: which there are, and how one is asked to end."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import dataclass

from engine.base.clock import Clock
from engine.base.errors import InvalidInput, UnknownName
from engine.people.access import Principal, require
from engine.people.audit import Audit
from engine.store.load import Loads
from engine.store.locks import Locks
from engine.store.owners import OwnerRecord, Owners, RunAtWork, Work, is_silent

MOST_RUNS = 10
"""So many runs of each process are named."""
_IDLE = Work()
_STOP = "Stop it with Ctrl-C or SIGTERM: it waits for the write that it is sending, and its runs go on later."


@dataclass(frozen=True)
class WorkerProcess:
    """A process; times are RFC 3339 texts in UTC."""

    id: str
    kind: str
    """`serve`, `worker`, or `cli` for a command."""
    host: str
    pid: int
    state: str
    """`working`, `draining` (it takes no more runs), or `silent` (others take over its runs)."""
    runs: int
    """How many runs it has that do not wait."""
    slots: int
    """How many it takes at once; 0: only those that it has accepted."""
    started_at: str
    heartbeat_at: str
    at_work: Sequence[RunAtWork] = ()
    """The first `MOST_RUNS` of these runs, by the time at which they were accepted."""

    @property
    def can_drain(self) -> bool:
        """Whether it takes runs of others, and has not been asked to take no more."""
        return self.slots > 0 and self.state == "working"


class Workers:
    """Lists the processes, and asks one to end."""

    def __init__(self, loads: Loads, owners: Owners, locks: Locks, audit: Audit, clock: Clock) -> None:
        self._loads, self._owners, self._locks, self._audit, self._clock = loads, owners, locks, audit, clock

    def list(self, p: Principal) -> builtins.list[WorkerProcess]:
        """Return all processes, by id. Raises StorageError."""
        require(p, "view", "see the processes")
        work = self._owners.at_work(MOST_RUNS)
        return [self._process(one, work.get(one.owner, _IDLE)) for one in self._loads.now().processes]

    def counts(self) -> dict[str, int]:
        """Return how many servers and workers there are, of all machines: {working, draining, silent}."""
        states = [self._process(one).state for one in self._loads.now().processes if one.kind != "cli"]
        return {state: states.count(state) for state in ("working", "draining", "silent")}

    def lacking(self) -> int:
        """Return how many runs wait that no process takes: none has slots, or those that have do not take any more."""
        load = self._loads.now()
        takes = any(one.slots and self._process(one).state == "working" for one in load.processes)
        return 0 if takes else load.ready.runs

    def drain(self, p: Principal, worker: str) -> None:
        """Ask a process to take no more runs, and a worker to end once it has done what it had begun.

        Raises UnknownName, InvalidInput if it takes no runs but its own.
        """
        require(p, "admin", "drain a worker")
        known = self._owners.get(worker)
        if known is not None and not known.slots:
            raise InvalidInput(f"{worker} takes no runs but its own: there is nothing to drain.", remedy=_STOP)
        if not self._owners.drain(worker):
            raise UnknownName("worker", worker, remedy="`orchestra workers list` shows them.")
        self._audit.record(p, "worker.drain", worker)

    def _process(self, one: OwnerRecord, work: Work = _IDLE) -> WorkerProcess:
        silent = is_silent(self._locks, one, self._clock())
        state = "silent" if silent else "draining" if one.is_draining else "working"
        where = (one.owner, one.kind, one.host, one.pid)
        return WorkerProcess(*where, state, work.runs, one.slots, one.started_at, one.heartbeat_at, work.oldest)
