"""The processes that work on the runs of a workspace, on any machine: which there are, and how one is asked to end."""

from __future__ import annotations

import builtins
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from clients.check_line import CheckLine
from clients.wording import counted, listed
from engine.base.clock import Clock, moment_of
from engine.base.errors import InvalidInput, UnknownName
from engine.base.wording import number_text
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.store.locks import Locks
from engine.store.owners import OwnedWork, OwnerRecord, RunAtWork, is_silent
from engine.store.reports import REPLICA_REMEDY
from engine.store.state import State

MOST_RUNS = 10
"""How many runs of each process are named."""
NO_WORKER = (
    "Start `orchestra worker`, start a drained server again, or raise limits.runs_at_once of one;"
    " `orchestra workers list` shows all."
)
SHARE_KEY = "Give all servers the same ORCHESTRA_SECRET_KEY, or the same ORCHESTRA_TOKEN_SECRET, and start them again."
_SIGNS = "server_key:"
"""Before the id of a server: the mark of its key, in the settings."""
_LOOK_AT_IT = "See whether it has ended, hangs, or has lost its way to the state; if it is gone, nothing is to be done."
_LATE = 2 / 3
"""Of its lease, in which a process should show itself three times."""
_IDLE = OwnedWork()
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
    def takes_runs(self) -> bool:
        """Whether it takes runs that others have accepted; only such a process can be drained."""
        return self.slots > 0 and self.state == "working"


class Workers:
    """Lists the processes, and asks one to end."""

    def __init__(self, state: State, locks: Locks, audit: Audit, clock: Clock, *, own: str, shares_runs: bool) -> None:
        """`own`: the id of this process among them."""
        self._loads, self._owners = state.loads, state.owners
        self._settings, self._reports = state.settings, state.reports
        self._locks, self._audit, self._clock, self._own = locks, audit, clock, own
        self._shares_runs = shares_runs

    @operation("workers.list", "view", "see the processes", "List the processes", "GET /api/workers")
    def list(self, p: Principal) -> builtins.list[WorkerProcess]:
        """Return the processes that work on runs, on all machines, with the first ten runs of each.

        They come by id.

        Raises StorageError.
        """
        work = self._owners.at_work(MOST_RUNS)
        return [self._process(one, work.get(one.owner, _IDLE)) for one in self._loads.now().processes]

    def counts(self) -> dict[str, int]:
        """Return how many servers and workers there are, of all machines: {working, draining, silent, taking_runs}."""
        found = [self._process(one) for one in self._loads.now().processes if one.kind != "cli"]
        states = [one.state for one in found]
        counts = {state: states.count(state) for state in ("working", "draining", "silent")}
        return {**counts, "taking_runs": sum(one.takes_runs for one in found)}

    def lacking(self) -> int:
        """Return how many runs wait that no process takes: none has slots, or all that have slots take no more."""
        load = self._loads.now()
        return 0 if any(self._process(one).takes_runs for one in load.processes) else load.ready.runs

    def signs(self, mark: str) -> None:
        """Let the others know with which key this server signs: the same key has the same `mark`, which hides it."""

        def with_own(marks: dict[str, str]) -> dict[str, str]:
            there = {_SIGNS + one.owner for one in self._loads.now().processes}
            return {**{key: one for key, one in marks.items() if key in there}, _SIGNS + self._own: mark}

        if self._shares_runs:
            self._settings.change_all(_SIGNS, with_own)

    def unlike(self) -> str:
        """Return which servers sign with different keys, and so refuse each other's tokens; "" if all are alike."""
        marks = self._settings.with_prefix(_SIGNS)
        servers = [one for one in map(self._process, self._loads.now().processes) if one.state != "silent"]
        signing = [(one, marks[_SIGNS + one.id]) for one in servers if _SIGNS + one.id in marks]
        if len({mark for _, mark in signing}) < 2:
            return ""
        named = listed([f"{one.id} on {one.host or 'this machine'}" for one, _ in signing])
        return f"Servers sign with different keys ({named}): each refuses the tokens and links of another."

    @operation("workers.check", "view", "see the processes", "Check the worker processes")
    def check(self, p: Principal) -> builtins.list[CheckLine]:
        """Return line by line which processes are alive, whether they take runs, and a fault of the state's replica.

        Where runs are not shared, no line is about processes: one that died is noticed as soon as another one begins.
        Raises StorageError.
        """
        fault = self._reports.fault()
        replica = [CheckLine("replica", ok=False, text=f"{fault} {REPLICA_REMEDY}")] if fault else []
        if not self._shares_runs:
            return replica
        records = [one for one in self._loads.now().processes if one.kind != "cli"]
        found = [self._process(one) for one in records]
        kinds = Counter(one.kind for one in found if one.state != "silent")
        said = f"{counted(kinds['serve'], 'server')} and {counted(kinds['worker'], 'worker')} are alive."
        alive = CheckLine("alive", ok=True, text=said)
        taking = sum(one.takes_runs for one in found)
        said = "1 process takes runs." if taking == 1 else f"{taking} processes take runs."
        takes = CheckLine("takes runs", taking > 0, said if taking else f"No process takes runs. {NO_WORKER}")
        unlike = self.unlike()
        keys = [CheckLine("key", ok=False, text=f"{unlike} {SHARE_KEY}")] if unlike else []
        return [alive, takes, *keys, *replica, *filter(None, map(self._lateness, records, found))]

    def _lateness(self, record: OwnerRecord, process: WorkerProcess) -> CheckLine | None:
        """Return a line about a process that has not shown itself for too long."""
        seconds = max(0.0, (self._clock() - moment_of(record.heartbeat_at)).total_seconds())
        where = f"{record.owner} on {record.host or 'this machine'} last showed itself {seconds:.0f} s ago"
        if process.state == "silent":
            return CheckLine("silent", ok=False, text=f"{where}: others take over its runs. {_LOOK_AT_IT}")
        if seconds > record.lease_seconds * _LATE:
            limit = f"at {number_text(record.lease_seconds)} s, others take over its runs"
            return CheckLine("late", ok=False, text=f"{where}; {limit}. {_LOOK_AT_IT}")
        return None

    @operation("worker.drain", "admin", "drain a worker", "Drain a worker process")
    def drain(self, p: Principal, worker: str) -> None:
        """Ask a process to take no more runs, and a worker to end once it has done what it had begun.

        Raises UnknownName, InvalidInput if it takes no runs but its own.
        """
        known = self._owners.get(worker)
        if known is not None and not known.slots:
            raise InvalidInput(f"{worker} takes no runs but its own: there is nothing to drain.", remedy=_STOP)
        if not self._owners.drain(worker):
            raise UnknownName("worker", worker, remedy="`orchestra workers list` shows them.")
        self._audit.record(p, "worker.drain", worker)

    def _process(self, one: OwnerRecord, work: OwnedWork = _IDLE) -> WorkerProcess:
        silent = is_silent(self._locks, one, self._clock())
        state = "silent" if silent else "draining" if one.is_draining else "working"
        where = (one.owner, one.kind, one.host, one.pid)
        return WorkerProcess(*where, state, work.runs, one.slots, one.started_at, one.heartbeat_at, work.oldest)
