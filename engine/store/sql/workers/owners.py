"""Which process owns which runs, and how another one adopts them.

Exactly one process may work on a run. Each process is an *owner*: it holds an OS lock, which shows that it is alive,
and a row in `owners` with a heartbeat, which shows that it makes progress. Another process adopts its open runs if
the lock is free (it died), or if its heartbeat is older than its lease (it hangs). To adopt is to delete the row:
this *fences* the former owner, since every journal transaction checks for the row first. A process that wakes up late
can therefore write nothing more, even though it still believes that it owns the runs.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, select

from engine.base.clock import elapsed_seconds, timestamp
from engine.base.errors import Fenced, InUse, StorageError
from engine.base.statuses import OPEN_RUNS, RunStatus
from engine.files.atomic import PRIVATE_FOLDER, make_folder, storage_errors
from engine.store.blobs.blobs import Blobs
from engine.store.locks import is_locked
from engine.store.owners import LEASE_SECONDS, OwnedWork, OwnerRecord, RunAtWork, is_silent
from engine.store.run_limits import NO_LIMITS, RunLimits
from engine.store.sql.base.conditions import IS_BUSY
from engine.store.sql.base.database import Cursor, StateDatabase
from engine.store.sql.base.tables import owners, runs
from engine.store.sql.workers import deaths

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

_log = logging.getLogger(__name__)
_BEATS_IN_A_LEASE = 3  # so that two may fail before others take the process for dead
_STARTING_SECONDS = 2.0
_BUSY = (
    "SELECT owner, of_owner, run_id, workflow, title, started_at FROM ("  # noqa: S608 - a condition of ours
    "SELECT owner, run_id, workflow, title, started_at, count(*) OVER (PARTITION BY owner) AS of_owner,"
    " row_number() OVER (PARTITION BY owner ORDER BY run_id) AS place"
    f" FROM runs WHERE {IS_BUSY} AND owner IS NOT NULL) AS busy WHERE place <= ? ORDER BY owner, run_id"
)
OWNER_ROW = "SELECT 1 FROM owners WHERE owner = ?"


class SqlOwners:
    """Reads the table `owners`."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def get(self, owner: str) -> OwnerRecord | None:
        """Return a process; None once its runs have been taken over."""
        with self._database.reading() as connection:
            return _row(connection, owner)

    def at_work(self, most: int) -> Mapping[str, OwnedWork]:
        """Return the open runs of each process that do not wait: how many, and at most so many of them."""
        with self._database.asking() as cursor:
            rows = cursor.execute(_BUSY, (most,)).fetchall()
        return {
            owner: OwnedWork(few[0][1], [RunAtWork(*run) for _, _, *run in few])
            for owner, few in ((key, list(some)) for key, some in groupby(rows, key=itemgetter(0)))
        }

    def drain(self, owner: str) -> bool:
        """Ask a process to take no more runs, and to end."""
        with self._database.writing() as connection:
            asked = owners.update().where(owners.c.owner == owner).values(is_draining=1)
            return connection.execute(asked).rowcount == 1


class SqlOwner:
    """This process as an owner of runs. Its lock is held until the process ends, in whatever way.

    Where the state is only read, it owns nothing: it has neither an id nor a lock.

    It may put blobs as long as it is an owner: a process that takes over shuts it out of `blobs`, so that it cannot
    replace a newer log with an old one.
    """

    def __init__(
        self,
        database: StateDatabase,
        folder: Path,
        kind: str,
        clock: Callable[[], datetime],
        *,
        lease_seconds: float = LEASE_SECONDS,
        blobs: Blobs | None = None,
        slots: int | None = None,
        limits: RunLimits = NO_LIMITS,
    ) -> None:
        self.shares, self.limits = slots is not None, limits
        self.id = f"{kind}-{os.getpid()}-{secrets.token_hex(4)}"
        self.lease_seconds = lease_seconds
        self._database, self.folder, self._clock = database, folder, clock
        self._blobs = blobs
        self._silent_since: dict[str, float] = {}
        self.locks = database.locks(folder)
        if database.is_read_only:
            self.id = ""
            return
        with storage_errors(folder):
            make_folder(folder, PRIVATE_FOLDER)
        self._admit()
        self._lock = self.locks.hold(self.id)  # before its row: a process with a row and a free lock is dead
        self._beaten_at = elapsed_seconds()
        now = timestamp(clock())
        row = {"owner": self.id, "pid": os.getpid(), "kind": kind, "started_at": now, "heartbeat_at": now}
        try:
            with database.writing() as connection:
                more = {"lease_seconds": lease_seconds, "host": socket.gethostname(), "slots": slots or 0}
                connection.execute(owners.insert().values(**row, **more))
        except StorageError:
            self._lock.close()  # without a row for this process, its lock would mislead others
            raise

    @property
    def _at_once(self) -> int:
        """Whether it works on its runs at once, without a claim, as 0 or 1."""
        return int(not self.limits.are_set)

    @property
    def beat_seconds(self) -> float:
        """Return the seconds between heartbeats."""
        return self.lease_seconds / _BEATS_IN_A_LEASE

    def beat(self) -> None:
        """Update the heartbeat. Raises Fenced if another process has taken over."""
        with self._database.writing() as connection:
            beating_at = elapsed_seconds()  # the lease counts from the time that others see, not from the commit
            statement = owners.update().where(owners.c.owner == self.id)
            if connection.execute(statement.values(heartbeat_at=timestamp(self._clock()))).rowcount == 0:
                raise Fenced
        self._beaten_at = beating_at

    def is_certain(self) -> bool:
        """Return whether nobody can have taken over yet, by this machine's clock alone."""
        return elapsed_seconds() - self._beaten_at < self.lease_seconds and self._lock.is_certain()

    def admit(self) -> None:
        """Let this process put blobs again, if something other than a takeover shut it out. Raises Fenced.

        This happens in a transaction, so that a process that takes over does it later, and shuts this one out.
        """
        with self._database.writing() as connection:
            if connection.execute(owners.select().where(owners.c.owner == self.id)).first() is None:
                raise Fenced
            self._admit()

    def _admit(self) -> None:
        if self._blobs is not None:
            self._blobs.admit(self.id)

    def _shut_out(self, owner: str) -> None:
        if self._blobs is not None:
            try:
                self._blobs.shut_out(owner)
            except StorageError as error:  # its row is gone in any case
                _log.error("%s could still store logs: %s", owner, error)

    def adopt(self) -> list[str]:
        """Adopt the open runs of every process that is dead, or stayed silent while this one watched; return their ids.

        When a machine wakes from sleep, all processes seem silent at once: the first to wake gives the others time
        for a heartbeat.
        """
        return self._taken_over(self._others(), self._has_ended)

    def adopt_all(self) -> list[str]:
        """Adopt the open runs of every dead or silent process, and interrupted runs without an owner."""
        return self._taken_over([*self._others(), None], self._stays_gone)

    def take(self, run_id: str) -> bool:
        """Adopt one open run whose owner is dead, silent or missing; return False if another process owns it.

        The other runs of that owner are not adopted, but it can no longer write to them.
        """
        open_run = (runs.c.run_id == run_id) & runs.c.ended_at.is_(None)
        with self._database.reading() as connection:
            row = connection.execute(select(runs.c.owner).where(open_run)).first()
        if row is None or row.owner == self.id or not self._stays_gone(row.owner):
            return row is not None and row.owner == self.id
        with self._database.writing() as connection:
            if not self._fence(connection, row.owner):
                return False
            same = open_run & (runs.c.owner == row.owner)  # no other process was faster
            taken = (
                connection.execute(runs.update().where(same).values(owner=self.id, is_at_work=self._at_once)).rowcount
                == 1
            )
            deaths.forget(connection, run_id)
        self._clear_away(row.owner)
        return taken

    def is_served(self) -> bool:
        """Return whether a live process, perhaps this one, serves the workspace."""
        with self._database.reading() as connection:
            servers = connection.execute(_ALL.where(owners.c.kind == "serve")).all()
        return any(not is_silent(self.locks, OwnerRecord(*row), self._clock()) for row in servers)

    def _taken_over(self, others: Iterable[Any], is_due: Callable[[Any], bool]) -> list[str]:
        """Adopt; if the disk fails midway, return the runs adopted so far: no other process works on them."""
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
        """Yield every other owner, including owners that only runs still name."""
        known = select(owners.c.owner)
        orphaned = runs.c.status.in_(OPEN_RUNS) & runs.c.owner.is_not(None) & runs.c.owner.not_in(known)
        with self._database.reading() as connection:
            others = connection.execute(known.where(owners.c.owner != self.id)).scalars().all()
            unknown = connection.execute(select(runs.c.owner).where(orphaned).distinct()).scalars().all()
        yield from (*others, *unknown)

    def _is_gone(self, owner: str | None) -> bool:
        """Return whether the runs of an owner may be adopted."""
        if owner is None:
            return True
        with self._database.reading() as connection:
            row = _row(connection, owner)
        return row is None or is_silent(self.locks, row, self._clock())

    def _stays_gone(self, owner: str | None) -> bool:
        """Return the same, once a process that has only lost its connection could have shown that it is alive."""
        if not self._is_gone(owner):
            return False
        if owner is None or self.locks.patience_seconds == 0:
            return True
        time.sleep(self.locks.patience_seconds)
        return self._is_gone(owner)

    def _has_ended(self, owner: str) -> bool:
        """Return whether an owner is dead, or stayed silent for a heartbeat interval while this process watched."""
        is_dead = not self.locks.is_held(owner)
        if is_dead and self.locks.patience_seconds == 0:
            return True
        if not is_dead and not self._is_gone(owner):
            self._silent_since.pop(owner, None)
            return False
        since = self._silent_since.setdefault(owner, time.monotonic())
        return time.monotonic() - since > (self.locks.patience_seconds if is_dead else self.beat_seconds)

    def _has_died(self, connection: Connection, owner: str | None) -> bool:
        """Return whether an owner died: a process that exits in order gives up its lease."""
        row = _row(connection, owner)
        return row is not None and row.lease_seconds > 0 and not self.locks.is_held(row.owner)

    def _fence(self, connection: Connection, owner: str | None) -> bool:
        """Delete an owner's row, so that it can write no more; return False if it has just shown a heartbeat."""
        row = _row(connection, owner)
        if row is not None and not is_silent(self.locks, row, self._clock()):
            return False
        connection.execute(owners.delete().where(owners.c.owner == owner))
        return True

    def _inherit(self, gone: str | None) -> list[str]:
        """Adopt all open runs of an owner (None: runs without one); a second process finds none left."""
        with self._database.writing() as connection:
            is_dead = self._has_died(connection, gone)
            if not self._fence(connection, gone):
                return []
            if is_dead:
                deaths.count(self._database.cursor_of(connection), str(gone))
            open_runs = runs.c.status.in_(OPEN_RUNS) & (runs.c.owner == gone) & runs.c.ended_at.is_(None)
            if self.shares:
                self._offer(connection, open_runs)
            found = list(connection.execute(select(runs.c.run_id).where(open_runs)).scalars())
            at_work = case((runs.c.lane.is_(None), self._at_once), else_=0)  # in its line, a run waits for its turn
            connection.execute(runs.update().where(open_runs).values(owner=self.id, is_at_work=at_work))
        self._clear_away(gone)
        return found

    def _offer(self, connection: Connection, of: ColumnElement[bool]) -> None:
        """Leave open runs to any worker, except those in a queue of their workflow."""
        free = of & runs.c.lane.is_(None) & (runs.c.status != RunStatus.INTERRUPTED)
        offered = connection.execute(runs.update().where(free).values(owner=None, is_at_work=0)).rowcount
        self._database.announce_runs(self._database.cursor_of(connection), offered)

    def _clear_away(self, gone: str | None) -> None:
        """Shut a fenced owner out of the blobs; its lock file stays as long as the lock is held."""
        if gone is None:
            return
        self._shut_out(gone)
        self.locks.clear_away(gone)

    def release(self) -> None:
        """Stop being an owner: remove row and lock. Runs that are still open are left for others to adopt.

        If the disk fails, row and lock file remain, as they would after a crash.
        """
        try:
            is_forgotten = self._forgotten()
        except StorageError as error:
            is_forgotten = False
            _log.error("%s stays listed as a process: %s", self.id, error)
        self._shut_out(self.id)
        self.locks.close()
        self._lock.close()
        if is_forgotten:
            self.locks.clear_away(self.id)

    def _forgotten(self) -> bool:
        """Delete the row, unless open runs still refer to it."""
        with self._database.writing() as connection:
            ours = (runs.c.owner == self.id) & runs.c.ended_at.is_(None)
            if self.shares:
                self._offer(connection, ours)
            mine = connection.execute(runs.select().where(ours)).first()
            if mine is None:
                connection.execute(owners.delete().where(owners.c.owner == self.id))
            else:
                # Without a lease, others adopt its runs at once, and do not count a death (`_has_died`).
                connection.execute(owners.update().where(owners.c.owner == self.id).values(lease_seconds=0))
            return mine is None


def require_unfenced(cursor: Cursor, owner: str) -> None:
    """Raise Fenced if another process has taken over the runs of this owner."""
    if cursor.execute(OWNER_ROW, (owner,)).fetchone() is None:
        raise Fenced


def refuse_strangers(database: StateDatabase, folder: Path) -> None:
    """Raise InUse if a living process still works with a state file that was removed."""
    ends_at = time.monotonic() + _STARTING_SECONDS  # a starting process holds its lock before it has its row
    while living := _strangers(database, folder):
        if time.monotonic() > ends_at:
            raise InUse(
                f"The state file is gone, and a process still works with it ({', '.join(living)}).",
                remedy="Stop it; then the state is rebuilt from logs/.",
            )
        time.sleep(0.05)


def _strangers(database: StateDatabase, folder: Path) -> list[str]:
    living = [lock.stem for lock in folder.glob("*.lock") if is_locked(folder, lock.stem)]
    with database.reading() as connection:
        known = set(connection.execute(select(owners.c.owner)).scalars())
    return sorted(set(living) - known)


_ALL = select(*(owners.c[name] for name in OwnerRecord._fields))


def _row(connection: Connection, owner: str | None) -> OwnerRecord | None:
    row = connection.execute(_ALL.where(owners.c.owner == owner)).first()
    return None if row is None else OwnerRecord(*row)
