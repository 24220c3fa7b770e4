"""Which process owns which runs: an OS lock says whether it lives, a row says that nobody has taken over."""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sqlalchemy import select

from engine.errors import InUse, StorageError
from engine.names import moment_of, timestamp
from engine.store.database import Database, storage_errors
from engine.store.locks import is_locked
from engine.store.run_rows import OPEN
from engine.store.tables import owners, runs

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

_log = logging.getLogger(__name__)
LEASE_SECONDS = 30.0
_BEATS_IN_A_LEASE = 3
_STARTING_SECONDS = 2.0
OWNER_ROW = "SELECT 1 FROM owners WHERE owner = ?"


class Fenced(InUse):
    """Another process has taken over the runs of this one."""

    default_remedy = "Nothing is lost: the other process goes on with them; `orchestra runs list` shows how far it is."

    def __init__(self) -> None:
        super().__init__("Another process has taken over the runs of this one, which was silent for too long.")


class Owner:
    """This process as an owner of runs. The lock is held until the process ends, however it ends.

    `drafts`: the folder below which it writes logs before they get their place (`writing`). Whoever takes over
    removes its part of it: a process that wakes up late can then put no old log in the place of a newer one.
    """

    def __init__(
        self,
        database: Database,
        folder: Path,
        kind: str,
        clock: Callable[[], datetime],
        *,
        lease_seconds: float = LEASE_SECONDS,
        drafts: Path | None = None,
    ) -> None:
        self.id = f"{kind}-{os.getpid()}-{secrets.token_hex(4)}"
        self.lease_seconds = lease_seconds
        self._database, self.folder, self._clock = database, folder, clock
        self._drafts = drafts if drafts is not None else folder.parent / "drafts"
        self._silent_since: dict[str, float] = {}
        with storage_errors(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.writing.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock: IO[str] = (folder / f"{self.id}.lock").open("w", encoding="ascii")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        now = timestamp(clock())
        row = {"owner": self.id, "pid": os.getpid(), "kind": kind, "started_at": now, "heartbeat_at": now}
        try:
            with database.writing() as connection:
                connection.execute(owners.insert().values(**row, lease_seconds=lease_seconds))
        except StorageError:
            self._lock.close()  # nobody knows of this process: its lock would only lie about
            raise

    @property
    def writing(self) -> Path:
        """Return the folder for files that this process is writing; gone once it was taken over."""
        return self._drafts / self.id

    @property
    def beat_seconds(self) -> float:
        """Return how often this process shows that it works."""
        return self.lease_seconds / _BEATS_IN_A_LEASE

    def beat(self) -> None:
        """Say that this process still works. Raises Fenced where another has taken over."""
        with self._database.writing() as connection:
            statement = owners.update().where(owners.c.owner == self.id)
            if connection.execute(statement.values(heartbeat_at=timestamp(self._clock()))).rowcount == 0:
                raise Fenced

    def adopt(self) -> list[str]:
        """Take over the open runs of every process that is dead, or was silent as long as this one looked on.

        Return their ids. A machine that sleeps makes all processes silent at once: who wakes first waits for the
        others to show themselves.
        """
        return self._taken_over(self._others(), self._has_ended)

    def adopt_all(self) -> list[str]:
        """Take over the open runs of every dead or silent process, and those that nobody owns since an interruption."""
        return self._taken_over([*self._others(), None], self._is_gone)

    def take(self, run_id: str) -> bool:
        """Take over one open run whose owner is dead or silent, or that nobody owns; False where it is somebody's.

        That owner's other runs stay as they are, but it can do nothing more with them.
        """
        open_run = (runs.c.run_id == run_id) & runs.c.ended_at.is_(None)
        with self._database.reading() as connection:
            row = connection.execute(select(runs.c.owner).where(open_run)).first()
        if row is None or row.owner == self.id or not self._is_gone(row.owner):
            return row is not None and row.owner == self.id
        with self._database.writing() as connection:
            if not self._fence(connection, row.owner):
                return False
            same = open_run & (runs.c.owner == row.owner)  # nobody was faster
            taken = connection.execute(runs.update().where(same).values(owner=self.id)).rowcount == 1
        self._clear_away(row.owner)
        return taken

    def _taken_over(self, others: Iterable[Any], is_due: Callable[[Any], bool]) -> list[str]:
        """Take over; where the disk refuses in the middle, return what is ours already: nobody else works on it."""
        found: list[str] = []
        for other in others:
            try:
                found += self._inherit(other) if is_due(other) else []
            except (StorageError, OSError) as error:
                if not found:
                    raise
                _log.error("the runs of %s are taken over later: %s", other, error)
        return found

    def _others(self) -> Iterator[str]:
        """Give every other owner, with those that only the runs still name."""
        known = select(owners.c.owner)
        orphaned = runs.c.status.in_(OPEN) & runs.c.owner.is_not(None) & runs.c.owner.not_in(known)
        with self._database.reading() as connection:
            others = connection.execute(known.where(owners.c.owner != self.id)).scalars().all()
            unknown = connection.execute(select(runs.c.owner).where(orphaned).distinct()).scalars().all()
        yield from (*others, *unknown)

    def _is_gone(self, owner: str | None) -> bool:
        """Tell whether the runs of an owner may be taken over."""
        if owner is None:
            return True
        with self._database.reading() as connection:
            row = connection.execute(owners.select().where(owners.c.owner == owner)).first()
        return row is None or is_silent(self.folder, row, self._clock())

    def _has_ended(self, owner: str) -> bool:
        """Tell whether an owner is dead, or silent although it had the time to show itself since we look on."""
        if not is_locked(self.folder, owner):
            return True
        if not self._is_gone(owner):
            self._silent_since.pop(owner, None)
            return False
        since = self._silent_since.setdefault(owner, time.monotonic())
        return time.monotonic() - since > self.beat_seconds

    def _fence(self, connection: Connection, owner: str | None) -> bool:
        """Take an owner's row away, so that it can write no more; False where it has shown itself just now."""
        row = connection.execute(owners.select().where(owners.c.owner == owner)).first()
        if row is not None and not is_silent(self.folder, row, self._clock()):
            return False
        connection.execute(owners.delete().where(owners.c.owner == owner))
        return True

    def _inherit(self, gone: str | None) -> list[str]:
        """Make all open runs of an owner (None: of nobody) ours; whoever is second finds none."""
        with self._database.writing() as connection:
            if not self._fence(connection, gone):
                return []
            open_runs = runs.c.status.in_(OPEN) & (runs.c.owner == gone) & runs.c.ended_at.is_(None)
            found = list(connection.execute(select(runs.c.run_id).where(open_runs)).scalars())
            connection.execute(runs.update().where(open_runs).values(owner=self.id))
        self._clear_away(gone)
        return found

    def _clear_away(self, gone: str | None) -> None:
        """Remove what a fenced owner was writing; its lock stays for as long as it holds it."""
        if gone is None:
            return
        shutil.rmtree(self._drafts / gone, ignore_errors=True)
        with suppress(OSError):  # its runs are ours all the same
            if not is_locked(self.folder, gone):
                (self.folder / f"{gone}.lock").unlink(missing_ok=True)

    def release(self) -> None:
        """Stop owning: forget the row and the lock. Runs that are still open stay for others to adopt.

        Where the disk refuses, the row and the file of the lock stay: they then tell of one more dead process.
        """
        try:
            is_forgotten = self._forgotten()
        except StorageError as error:
            is_forgotten = False
            _log.error("%s stays listed as a process: %s", self.id, error)
        shutil.rmtree(self.writing, ignore_errors=True)
        self._lock.close()
        if is_forgotten:
            with suppress(OSError):
                (self.folder / f"{self.id}.lock").unlink(missing_ok=True)

    def _forgotten(self) -> bool:
        """Drop the row, unless runs are open that others will look for by it."""
        with self._database.writing() as connection:
            mine = connection.execute(
                runs.select().where((runs.c.owner == self.id) & runs.c.ended_at.is_(None))
            ).first()
            if mine is None:
                connection.execute(owners.delete().where(owners.c.owner == self.id))
            return mine is None


def require_unfenced(cursor: sqlite3.Cursor, owner: str) -> None:
    """Raise Fenced where another process has taken over the runs of this owner."""
    if cursor.execute(OWNER_ROW, (owner,)).fetchone() is None:
        raise Fenced


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


def is_silent(folder: Path, owner: Row[Any], now: datetime) -> bool:
    """Tell whether "running" can no longer be believed: the process is dead, or silent for longer than its lease."""
    lease = timedelta(seconds=owner.lease_seconds)
    return now - moment_of(owner.heartbeat_at) > lease or not is_locked(folder, owner.owner)
