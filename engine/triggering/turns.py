"""Lets the runs that triggers have queued begin, the oldest first, as many at once as their workflow allows."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator

from sqlalchemy import select

from engine.compiler.plan import Concurrency
from engine.errors import OrchestraError
from engine.runner.fault_points import reached
from engine.runner.host import Host
from engine.store.database import cursor_of
from engine.store.owners import Fenced, require_unfenced
from engine.store.run_rows import is_on_its_own
from engine.store.tables import runs

_log = logging.getLogger(__name__)
_SECONDS = 1.0
_IDLE_SECONDS = 3.0
"""While no run waits for its turn; whoever queues one says so."""


class Turns:
    """A thread of a process that owns such runs. A run that waits (for a time, an answer) is no longer under way."""

    def __init__(self, host: Host, concurrency: Callable[[str], Concurrency]) -> None:
        self._host, self._concurrency = host, concurrency
        self._wake, self._stopped = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._has_line = False
        self._version: int | None = None
        host.on_idle = self._next
        host.on_adopted = self.begin

    def begin(self) -> None:
        """Look now, and from now on."""
        with self._lock:
            if self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(target=self._run, name="turns", daemon=True)
                self._thread.start()
        self._wake.set()

    def _next(self) -> None:
        """Look again where a run is over and others wait; most runs have nobody behind them."""
        if self._has_line:
            self._wake.set()

    def close(self) -> None:
        """Let nothing more begin."""
        self._stopped.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def let_go(self) -> list[str]:
        """Let begin what may begin now; return the ids. Raises StorageError, Fenced."""
        chosen = list(self._chosen())
        if not chosen:
            return []
        reached("before release")
        with self._host.database.writing() as connection:
            require_unfenced(cursor_of(connection), self._host.owner.id)
            in_line = runs.c.lane.is_not(None) & (runs.c.owner == self._host.owner.id) & runs.c.ended_at.is_(None)
            released = [
                run_id
                for run_id in chosen
                if connection.execute(
                    runs.update().where((runs.c.run_id == run_id) & in_line).values(lane=None)
                ).rowcount
            ]
        reached("after release")
        for run_id in released:
            self._host.start(run_id)
        return released

    def _chosen(self) -> Iterator[str]:
        """Give the runs whose turn it is. While none waits and nobody writes, there is nothing to ask for."""
        version = self._host.database.version()
        if version == self._version and not self._has_line:
            return
        mine = (runs.c.owner == self._host.owner.id) & runs.c.ended_at.is_(None)
        at_work = runs.c.started_by.startswith("trigger:") & is_on_its_own() & runs.c.lane.is_(None)
        with self._host.database.reading() as connection:
            waiting = select(runs.c.run_id, runs.c.lane).where(mine & runs.c.lane.is_not(None)).order_by(runs.c.run_id)
            in_line = connection.execute(waiting).all()
            self._has_line, self._version = bool(in_line), version
            if not in_line:
                return
            under_way = select(runs.c.workflow).where(at_work & runs.c.status.in_(("queued", "running")))
            busy = Counter(connection.execute(under_way).scalars())
        for run_id, workflow in in_line:
            if busy[workflow] < self._at_once(workflow):
                busy[workflow] += 1
                yield run_id

    def _at_once(self, workflow: str) -> int:
        """Return how many runs of a workflow may be under way; one, where its file cannot be read."""
        try:
            return self._concurrency(workflow).at_once
        except OrchestraError:
            return 1

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wake.clear()
            try:
                while self.let_go():
                    pass
            except Fenced:
                return
            except OrchestraError as error:
                _log.error("%s", error)
            except Exception:  # noqa: BLE001 - tried again next time
                _log.exception("no run could be let go")
            self._wake.wait(_SECONDS if self._has_line else _IDLE_SECONDS)
