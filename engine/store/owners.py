"""Which process owns which runs: an OS lock says whether it lives, a row says that nobody has taken over."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from engine.errors import InUse
from engine.names import moment_of, timestamp
from engine.store.database import Database, storage_errors
from engine.store.tables import owners, runs

PARENT_VARIABLE = "ORCHESTRA_PARENT_PID"
"""Set by the parent that starts the serving process again when it dies."""
HEARTBEAT_SECONDS = 10.0
STALE_AFTER = timedelta(seconds=30)


class Owner:
    """This process as an owner of runs. The lock is held until the process ends, however it ends."""

    def __init__(self, database: Database, folder: Path, kind: str, clock: Callable[[], datetime]) -> None:
        self.id = f"{kind}-{os.getpid()}-{secrets.token_hex(4)}"
        self._database, self.folder, self._clock = database, folder, clock
        with storage_errors(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock: IO[str] = (folder / f"{self.id}.lock").open("w", encoding="ascii")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        now = timestamp(clock())
        with database.writing() as connection:
            connection.execute(
                owners.insert().values(owner=self.id, pid=os.getpid(), kind=kind, started_at=now, heartbeat_at=now)
            )

    def beat(self) -> None:
        """Say that this process still works."""
        with self._database.writing() as connection:
            statement = owners.update().where(owners.c.owner == self.id)
            connection.execute(statement.values(heartbeat_at=timestamp(self._clock())))

    def adopt(self) -> list[str]:
        """Take over the open runs of every dead process; return their ids."""
        with self._database.reading() as connection:
            others = connection.execute(owners.select().where(owners.c.owner != self.id)).all()
        return [
            run_id for other in others if not is_locked(self.folder, other.owner) for run_id in self._take(other.owner)
        ]

    def _take(self, dead: str) -> list[str]:
        with self._database.writing() as connection:
            if connection.execute(owners.delete().where(owners.c.owner == dead)).rowcount == 0:
                return []  # somebody else was faster
            open_runs = (runs.c.owner == dead) & runs.c.ended_at.is_(None)
            found = list(connection.execute(runs.select().where(open_runs)).all())
            connection.execute(runs.update().where(open_runs).values(owner=self.id))
        (self.folder / f"{dead}.lock").unlink(missing_ok=True)
        return [row.run_id for row in found]

    def release(self) -> None:
        """Stop owning: forget the row and the lock. Runs that are still open stay for others to adopt."""
        with self._database.writing() as connection:
            mine = connection.execute(
                runs.select().where((runs.c.owner == self.id) & runs.c.ended_at.is_(None))
            ).first()
            if mine is None:
                connection.execute(owners.delete().where(owners.c.owner == self.id))
        self._lock.close()
        if mine is None:
            (self.folder / f"{self.id}.lock").unlink(missing_ok=True)


def is_locked(folder: Path, owner: str) -> bool:
    """Tell whether the process behind an owner id still holds its lock."""
    try:
        with (folder / f"{owner}.lock").open("r+", encoding="ascii") as lock:
            # Shared: two processes that look at once must not take each other for the owner.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def is_silent(folder: Path, owner: str, heartbeat_at: str, now: datetime) -> bool:
    """Tell whether "running" can no longer be believed: the process is dead, or silent for 30 s."""
    return now - moment_of(heartbeat_at) > STALE_AFTER or not is_locked(folder, owner)


class ServeLock:
    """One `serve` per workspace; the file names the process that a person would have to stop."""

    def __init__(self, folder: Path) -> None:
        with storage_errors(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = (folder / "serve.lock").open("a+", encoding="ascii")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.seek(0)
            pid = self._file.read().strip()
            self._file.close()
            raise InUse(
                f"This workspace is already served by process {pid or 'unknown'}.",
                remedy="Use that one (`orchestra login-link`), or stop it first.",
            ) from error
        self._file.truncate(0)
        self._file.write(str(_process_to_stop()))
        self._file.flush()

    def close(self) -> None:
        """Let another process serve."""
        self._file.close()


def _process_to_stop() -> int:
    """Return the pid of the parent that would start this process again, else its own."""
    return os.getppid() if os.environ.get(PARENT_VARIABLE) == str(os.getppid()) else os.getpid()
