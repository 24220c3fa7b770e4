"""A database of its own on a PostgreSQL server, and what the server has done for it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

SERVER = os.environ.get("BENCH_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
"""A server on this machine, as a role that may create databases; WAL is counted for all of it."""
_TICKS = os.sysconf("SC_CLK_TCK")
_COUNTS = (
    "SELECT xact_commit, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
    " FROM pg_stat_database WHERE datname = current_database()"
)
_BACKENDS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@dataclass(frozen=True)
class Done:
    """What a server and some processes have done so far."""

    commits: int
    wal_bytes: int
    server_seconds: float
    """Processor time of the server's processes that serve the database now."""
    worker_seconds: float

    def since(self, before: Done, runs: int) -> dict[str, float]:
        """Return what was done for each of these runs."""
        return {
            "commits_per_run": (self.commits - before.commits) / runs,
            "wal_bytes_per_run": (self.wal_bytes - before.wal_bytes) / runs,
            "server_ms_per_run": 1000 * (self.server_seconds - before.server_seconds) / runs,
            "worker_ms_per_run": 1000 * (self.worker_seconds - before.worker_seconds) / runs,
        }


@contextmanager
def database() -> Iterator[str]:
    """Yield the address of an empty database (`postgresql://…`), and drop it afterwards."""
    name = f"bench_{os.getpid()}_{secrets.token_hex(3)}"
    head, _, _ = SERVER.rpartition("/")
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{head}/{name}"
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def done(url: str, pids: Iterable[int]) -> Done:
    """Return what was done so far, by the server for a database and by these processes."""
    with psycopg.connect(url, autocommit=True) as connection:
        commits, wal = connection.execute(_COUNTS).fetchone() or (0, 0)
        backends = [pid for (pid,) in connection.execute(_BACKENDS)]
    return Done(commits, wal, sum(map(processor_seconds, backends)), sum(map(processor_seconds, pids)))


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process has used; 0 if it has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS
    return 0.0


def mebibytes(pid: int) -> float:
    """Return the resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) / 1024
