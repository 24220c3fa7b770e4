"""Proofs of life on a server: each process holds an advisory lock, which the server frees when its connection ends."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import psycopg

from engine.store.postgres.connection import key_of, storage_errors

if TYPE_CHECKING:
    from engine.store.postgres.database import PostgresDatabase

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.5
_HOLD = "SELECT pg_try_advisory_lock(%s, %s)"
_IS_HELD = (
    "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND classid::bigint = ? AND objid::bigint = ?"
)


class PostgresLocks:
    """Locks of sessions; any thread."""

    patience_seconds = 2.5
    """After a restart of the server all locks are free: their processes take them again within half a second."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    def hold(self, owner: str) -> SessionLock:
        """Take the lock of this process. Raises StorageError."""
        with storage_errors(self._database.address):
            return SessionLock(self._database, owner)

    def is_held(self, owner: str) -> bool:
        """Return whether the process behind an owner id is alive. Raises StorageError."""
        keys = [one % 2**32 for one in (self._database.key, key_of(owner))]  # shown as unsigned
        with self._database.asking() as cursor:
            return cursor.execute(_IS_HELD, keys).fetchone() is not None

    def clear_away(self, owner: str) -> None:
        """Do nothing: the server has freed the lock."""


class SessionLock:
    """A lock, and the thread that takes it again if its connection is lost."""

    def __init__(self, database: PostgresDatabase, owner: str) -> None:
        self._database, self._keys = database, (database.key, key_of(owner))
        self._closed = threading.Event()
        self._connection = self._taken()
        self._thread = threading.Thread(target=self._keep, name="session lock", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Release it."""
        self._closed.set()
        self._thread.join()
        self._connection.close()

    def _taken(self) -> psycopg.Connection[Any]:
        connection = self._database.address.connect()
        connection.execute(_HOLD, self._keys)  # if a session that is gone has it still, it is taken later
        return connection

    def _keep(self) -> None:
        while not self._closed.wait(_LOOK_SECONDS):
            try:
                if self._connection.closed:
                    self._connection = self._taken()
                    _log.warning("The connection that shows that this process is alive was lost, and is there again.")
                else:
                    self._connection.execute("SELECT 1")
            except psycopg.Error:
                self._connection.close()
