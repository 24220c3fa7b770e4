"""Workers of ours on a database of their own, and runs that are accepted for them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg

from bench.base.workspace import OWNER, chain, make
from engine.orchestra import Orchestra
from engine.record.continuation import events_of
from engine.record.events import RunStarted, StepFinished, encoded
from evals.workers.place import database

STEPS, LONG_STEPS = 5, 400
_PGQUEUER = "evals.workers.by_pgqueuer"
_SETTINGS = {"RUNS_AT_ONCE": "0", "LEASE_SECONDS": "10", "MOST_WAITING_RUNS": "1000000"}
_PATIENCE_SECONDS = 120
_ENDED = "SELECT count(*) FROM runs WHERE run_id >= %s AND status = 'succeeded'"
_SPAN = "SELECT max(ended_at::timestamptz) - min(started_at::timestamptz) FROM runs WHERE run_id >= %s"


@dataclass
class Crew:
    """A process that only accepts runs (this one), and the workers beside it."""

    url: str
    root: Path
    orchestra: Orchestra
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def pids(self) -> list[int]:
        """The process ids of the workers."""
        return [one.pid for one in self.workers]

    def hire(self, count: int, slots: int, program: Sequence[str] = ("-m", "evals.workers.slow_worker")) -> None:
        """Start workers, and return when each shows that it is there."""
        command = [sys.executable, *program, "worker", "--concurrency", str(slots), "--workspace", str(self.root)]
        with (self.root / "workers.log").open("ab") as log:
            self.workers += [subprocess.Popen(command, stdout=log, stderr=log) for _ in range(count)]
        ends_at = time.monotonic() + _PATIENCE_SECONDS
        while self._present() < len(self.workers):
            assert time.monotonic() < ends_at, (self.root / "workers.log").read_text(encoding="utf-8")
            time.sleep(0.1)
        time.sleep(1)

    def hire_without_queue(self, count: int, slots: int) -> None:
        """Do the same with workers each of which knows its share of the runs."""
        for number in range(count):
            self.hire(1, slots, ("-m", "evals.workers.no_queue", f"{number}/{count}"))

    def hire_by_pgqueuer(self, count: int, slots: int) -> None:
        """Do the same with workers to which PgQueuer hands the runs."""
        self._put_into_pgqueuer()
        self.hire(count, slots, ("-m", _PGQUEUER, self.url))

    def _put_into_pgqueuer(self) -> None:
        subprocess.run([sys.executable, "-m", _PGQUEUER, "put", self.url], check=True)

    def dismiss(self) -> None:
        """End the workers."""
        for one in self.workers:
            one.terminate()
        for one in self.workers:
            one.wait(30)
        self.workers.clear()

    def worked_off(self, runs: int, *, by_pgqueuer: bool = False) -> float:
        """Accept runs together; return the seconds from the start of the first to the end of the last."""
        first = self.orchestra.runs.start_all(OWNER, "chain", [{}] * runs)[0]
        if by_pgqueuer:
            self._put_into_pgqueuer()
        ends_at = time.monotonic() + _PATIENCE_SECONDS
        with psycopg.connect(self.url, autocommit=True) as connection:
            while connection.execute(_ENDED, (first,)).fetchone() != (runs,):
                assert time.monotonic() < ends_at, (self.root / "workers.log").read_text(encoding="utf-8")[-2000:]
                time.sleep(0.1)
            [span] = connection.execute(_SPAN, (first,)).fetchone() or (None,)
        assert span is not None
        return float(span.total_seconds())

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Return what a query finds in the database."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(query, parameters).fetchall()

    def example(self) -> tuple[str, list[str]]:
        """Return the acceptance and the events of a run; nobody may be at work."""
        run_id = self.orchestra.runs.start(OWNER, "chain", {})
        [(acceptance,)] = self.rows("SELECT acceptance FROM runs WHERE run_id = %s", run_id)
        self.hire(1, 1)
        run = self.orchestra.runs.get(OWNER, run_id)
        while run["ended_at"] is None:
            time.sleep(0.1)
            run = self.orchestra.runs.get(OWNER, run_id)
        self.dismiss()
        return str(acceptance), [encoded(one) for one in events_of(run) if isinstance(one, RunStarted | StepFinished)]

    def _present(self) -> int:
        [(found,)] = self.rows("SELECT count(*) FROM owners WHERE kind = 'worker'")
        return int(found)


@contextmanager
def crew() -> Iterator[Crew]:
    """Yield a workspace whose state and logs are in a new database, without workers; end everything afterwards."""
    with database() as url, tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "workspace"
        make(root, {"chain": chain(STEPS), "long": chain(LONG_STEPS)}, "connections: {}\nlogs: postgres\n")
        settings = {f"ORCHESTRA_LIMITS__{name}": value for name, value in _SETTINGS.items()}
        state = url.replace("postgresql://", "postgresql+psycopg://", 1)
        with mock.patch.dict(os.environ, {"ORCHESTRA_STATE": state, **settings}):
            orchestra = Orchestra.open(root, serve=True)
            made = Crew(url, root, orchestra)
            try:
                yield made
            finally:
                made.dismiss()
                orchestra.close()
