"""Which process owns which runs: an OS lock says whether it lives, a row says that nobody has taken over."""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from sqlalchemy import select

from engine.errors import InUse
from engine.names import moment_of, timestamp
from engine.store.database import Database, storage_errors
from engine.store.run_rows import OPEN
from engine.store.tables import owners, runs

PARENT_VARIABLE = "ORCHESTRA_PARENT_PID"
"""Set by the parent that starts the serving process again when it dies."""
HEARTBEAT_SECONDS = 10.0
STALE_AFTER = timedelta(seconds=30)
_STARTING_SECONDS = 2.0


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
        return [run_id for dead in self._dead() for run_id in self._inherit(dead)]

    def adopt_all(self) -> list[str]:
        """Take over the open runs of every dead process, and those that nobody owns since they were interrupted."""
        return [*self.adopt(), *self._inherit(None)]

    def take(self, run_id: str) -> bool:
        """Take over one open run whose owner is dead, or that nobody owns; False where it ended or is somebody's.

        A dead owner's other runs stay as they are.
        """
        open_run = (runs.c.run_id == run_id) & runs.c.ended_at.is_(None)
        with self._database.reading() as connection:
            row = connection.execute(select(runs.c.owner).where(open_run)).first()
        if row is None or row.owner == self.id or (row.owner is not None and is_locked(self.folder, row.owner)):
            return row is not None and row.owner == self.id
        with self._database.writing() as connection:
            connection.execute(owners.delete().where(owners.c.owner == row.owner))  # fences it off
            same = open_run & (runs.c.owner == row.owner)  # nobody was faster
            return connection.execute(runs.update().where(same).values(owner=self.id)).rowcount == 1

    def _dead(self) -> list[str]:
        """Return the owners whose process is dead, with those that only the runs still name."""
        known = select(owners.c.owner)
        orphaned = runs.c.status.in_(OPEN) & runs.c.owner.is_not(None) & runs.c.owner.not_in(known)
        with self._database.reading() as connection:
            others = connection.execute(known.where(owners.c.owner != self.id)).scalars().all()
            unknown = connection.execute(select(runs.c.owner).where(orphaned).distinct()).scalars().all()
        return [*(other for other in others if not is_locked(self.folder, other)), *unknown]

    def _inherit(self, dead: str | None) -> list[str]:
        """Make all open runs of a dead owner (None: of nobody) ours; whoever is second finds none."""
        with self._database.writing() as connection:
            connection.execute(owners.delete().where(owners.c.owner == dead))
            open_runs = runs.c.status.in_(OPEN) & (runs.c.owner == dead) & runs.c.ended_at.is_(None)
            found = list(connection.execute(select(runs.c.run_id).where(open_runs)).scalars())
            connection.execute(runs.update().where(open_runs).values(owner=self.id))
        if dead is not None:
            (self.folder / f"{dead}.lock").unlink(missing_ok=True)
        return found

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
        with (folder / f"{owner}.lock").open(encoding="ascii") as lock:
            # Shared: two processes that look at once must not take each other for the owner.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def refuse_strangers(database: Database, folder: Path) -> None:
    """Raise InUse where a living process works with a state file that was removed under it."""
    ends_at = time.monotonic() + _STARTING_SECONDS  # a process that just starts holds its lock before it has its row
    while living := _strangers(database, folder):
        if time.monotonic() > ends_at:
            raise InUse(
                f"The state file is gone, and a process still works with it ({', '.join(living)}).",
                remedy="Stop it; then the state is made anew from logs/.",
            )
        time.sleep(0.05)


def _strangers(database: Database, folder: Path) -> list[str]:
    living = [lock.stem for lock in folder.glob("*.lock") if is_locked(folder, lock.stem)]
    with database.reading() as connection:
        known = set(connection.execute(select(owners.c.owner)).scalars())
    return sorted(set(living) - known)


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
