"""Lists and reports for people: from a replica of the state that is in step, else from the state itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from threading import Lock, Thread
from typing import Protocol, TypeVar

from engine.base.clock import moment_of
from engine.base.errors import StorageError
from engine.base.statuses import ListedStatus
from engine.store.load import Loads
from engine.store.people.audit import AuditLine, AuditLog, TrailFilter
from engine.store.runs import RunFilter, RunRecord, RunsAlike, RunStore
from engine.store.spending import Amount, SpendingBucket, SpendingStore

Answer = TypeVar("Answer")
REPLICA_REMEDY = "See whether the server that `state_replica` names runs and follows the one of `state`."
_LOOK_SECONDS = 10.0
"""How often the replica is looked at; after a failure, it is asked nothing until the next look."""
_PATIENCE_SECONDS = 0.5
"""How long a page or a health check waits for that look."""
_MOST_BEHIND = timedelta(seconds=60)
_ENDED = frozenset({ListedStatus.SUCCEEDED, ListedStatus.PARTS_FAILED, ListedStatus.FAILED, ListedStatus.CANCELLED})


class ReportSource(Protocol):
    """What is read of a state; each part is a port of its own."""

    @property
    def runs(self) -> RunStore:
        """The list of runs."""

    @property
    def spent(self) -> SpendingStore:
        """What model calls have used."""

    @property
    def audit(self) -> AuditLog:
        """Who changed what, and when."""

    @property
    def loads(self) -> Loads:
        """The processes, whose heartbeats tell how far behind it is."""

    def close(self) -> None:
        """Close it."""


class Reports:
    """Reads what is only shown; any thread. What the program bases decisions on is read from the state itself.

    A replica that fails costs its users nothing: the state is asked in its place.
    """

    def __init__(self, state: ReportSource, open_replica: Callable[[], ReportSource] | None) -> None:
        self._state, self._open = state, open_replica
        self._replica: ReportSource | None = None
        self._fault = "" if open_replica is None else "It has not answered yet."
        self._lock, self._look_at = Lock(), 0.0
        self._looking: Thread | None = None

    def page(self, wanted: RunFilter, before: str | None, limit: int) -> list[RunRecord]:
        """Return at most `limit` runs, as `RunStore.page` does; those that have not ended are as they are now.

        Only the state knows which processes are alive: by the rows of a replica, runs would seem interrupted.
        """
        runs = self._state.runs
        if self._open is None or not _ENDED.issuperset(wanted.statuses):
            return runs.page(wanted, before, limit)
        rows = self._ask(lambda state: state.runs.page(wanted, before, limit))
        unended = [row.run_id for row in rows if row.ended_at is None]
        now = {row.run_id: row for row in (runs.listed(unended) if unended else ())}
        if len(now) < len(unended):  # one has ended meanwhile, and was removed
            return runs.page(wanted, before, limit)
        return [now.get(row.run_id, row) for row in rows]

    def tally(self, since: str, until: str, without: frozenset[str] = frozenset()) -> dict[str, int]:
        """Return how many runs were accepted in a time, as `RunStore.tally` does."""
        return self._ask(lambda state: state.runs.tally(since, until, without))

    def alike(self, since: str, without: frozenset[str] = frozenset()) -> list[RunsAlike]:
        """Return what has run since a time, as `RunStore.alike` does."""
        return self._ask(lambda state: state.runs.alike(since, without))

    def daily(self, kind: str, first: str, last: str) -> list[tuple[SpendingBucket, Amount]]:
        """Return what model calls have used from one day to another, as `SpendingStore.daily` does."""
        return self._ask(lambda state: state.spent.daily(kind, first, last))

    def found(self, which: TrailFilter) -> list[AuditLine]:
        """Return lines of the audit trail, as `AuditLog.found` does."""
        return self._ask(lambda state: state.audit.found(which))

    def names(self) -> tuple[list[str], list[str]]:
        """Return the principals and the actions in the audit trail, as `AuditLog.names` does."""
        return self._ask(lambda state: state.audit.names())

    def fault(self) -> str:
        """Return why the replica is not asked at the moment, in sentences; "" if it is asked, or without a replica."""
        said = self._looked()
        return said and f"The replica is not asked, so lists and reports come from the state itself: {said}"

    def close(self) -> None:
        """Close the replica."""
        with self._lock:
            self._open, looking = None, self._looking
        if looking is not None:
            looking.join(_PATIENCE_SECONDS)
        if self._replica is not None:
            self._replica.close()

    def _ask(self, ask: Callable[[ReportSource], Answer]) -> Answer:
        """Ask the replica, or if it may not be asked or fails, the state."""
        if not self._looked() and self._replica is not None:
            try:
                return ask(self._replica)
            except StorageError as error:
                with self._lock:
                    self._fault, self._look_at = error.message, time.monotonic() + _LOOK_SECONDS
        return ask(self._state)

    def _looked(self) -> str:
        """Look at the replica if that is due; return what is wrong with it."""
        with self._lock:
            is_looking = self._looking is not None and self._looking.is_alive()
            if self._open is None or is_looking or time.monotonic() < self._look_at:
                return self._fault
            self._look_at = time.monotonic() + _LOOK_SECONDS
            self._looking = looking = Thread(target=self._look, args=(self._open,), name="replica", daemon=True)
            looking.start()
        looking.join(_PATIENCE_SECONDS)
        if looking.is_alive():
            self._fault = "It does not answer."
        return self._fault

    def _look(self, open_replica: Callable[[], ReportSource]) -> None:
        try:
            if self._replica is None:
                self._replica = open_replica()
            self._require_in_step(self._replica)
        except StorageError as error:
            self._fault = error.message
        else:
            self._fault = ""

    def _require_in_step(self, replica: ReportSource) -> None:
        """Raise StorageError for a replica that lacks heartbeats which the state has had for more than a minute."""
        has = {one.owner: moment_of(one.heartbeat_at) for one in replica.loads.now().processes}
        lasting = [  # a process that began within the last minute need not be in the replica yet
            (beat, one.owner)
            for one in self._state.loads.now().processes
            if (beat := moment_of(one.heartbeat_at)) - moment_of(one.started_at) > _MOST_BEHIND
        ]
        if not lasting:
            return
        beat, owner = max(lasting)
        if owner not in has or beat - has[owner] > _MOST_BEHIND:
            raise StorageError("It is more than a minute behind, or it has another state.")
