"""Proofs of life on a server: each process holds an advisory lock, which the server frees when its connection ends."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import psycopg

from engine.base.clock import elapsed_seconds
from engine.store.postgres.connection import Server, key_of
from engine.store.postgres.server.address import storage_errors
from engine.store.sql.base.database import Cursor

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.4  # three times within _SURE_SECONDS
_SURE_SECONDS = 1.4
"""For this long after a process had its lock, nobody can have taken over: others wait for `patience_seconds`."""
_HOLD = "SELECT pg_try_advisory_lock(%s, %s)"
_IS_HELD = (
    "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND classid::bigint = ? AND objid::bigint = ?"
)
"""`objsubid` is 2 for locks with two keys: https://www.postgresql.org/docs/current/view-pg-locks.html."""


class PostgresLocks:
    """Locks of sessions; any thread."""

    patience_seconds = 1.9
    """After a restart of the server all locks are free: their processes take them again within half a second."""

    def __init__(self, server: Server, asking: Callable[[], AbstractContextManager[Cursor]]) -> None:
        self._server, self._asking = server, asking
        self._leading = threading.Lock()
        self._leader: psycopg.Connection[Any] | None = None
        self._led: set[str] = set()

    def leads(self, task: str) -> bool:
        """Return whether this process does a task that only one may do; another does once its connection is lost."""
        with self._leading:
            try:
                if self._leader is None or self._leader.closed:
                    self._led.clear()
                    self._leader = self._server.address.connect()
                if task in self._led:
                    self._leader.execute("SELECT 1")
                    return True
                keys = (self._server.key, key_of(f"lead {task}"))
                [has_it] = self._leader.execute(_HOLD, keys).fetchone() or (False,)
                if has_it:
                    self._led.add(task)
                return bool(has_it)
            except psycopg.Error:
                if self._leader is not None:
                    self._leader.close()
                return False

    def close(self) -> None:
        """Lead no more."""
        with self._leading:
            if self._leader is not None:
                self._leader.close()

    def hold(self, owner: str) -> SessionLock:
        """Take the lock of this process. Raises StorageError."""
        with storage_errors(self._server.address):
            return SessionLock(self._server, owner)

    def is_held(self, owner: str) -> bool:
        """Return whether the process behind an owner id is alive. Raises StorageError."""
        keys = [one % 2**32 for one in (self._server.key, key_of(owner))]  # shown as unsigned
        with self._asking() as cursor:
            return cursor.execute(_IS_HELD, keys).fetchone() is not None

    def clear_away(self, owner: str) -> None:
        """Do nothing: the server has freed the lock."""


class SessionLock:
    """A lock, and the thread that takes it again if its connection is lost."""

    def __init__(self, server: Server, owner: str) -> None:
        self._server, self._keys = server, (server.key, key_of(owner))
        self._closed = threading.Event()
        self._has_it, self._had_at = False, 0.0
        self._connection = self._taken()
        self._thread = threading.Thread(target=self._keep, name="session lock", daemon=True)
        self._thread.start()

    def is_certain(self) -> bool:
        """Return whether nobody else can have found it free for long enough to take over."""
        return not self._closed.is_set() and elapsed_seconds() - self._had_at < _SURE_SECONDS

    def close(self) -> None:
        """Release it."""
        self._closed.set()
        self._thread.join()
        self._connection.close()

    def _taken(self) -> psycopg.Connection[Any]:
        connection = self._server.address.connect()
        self._take(connection)
        return connection

    def _take(self, connection: psycopg.Connection[Any]) -> None:
        """Take the lock, unless the server has not noticed yet that the former connection of this process is gone."""
        asked_at = elapsed_seconds()  # before the answer, which may have been on its way for long
        [self._has_it] = connection.execute(_HOLD, self._keys).fetchone() or (False,)
        if self._has_it:
            self._had_at = asked_at

    def _keep(self) -> None:
        while not self._closed.wait(_LOOK_SECONDS):
            try:
                if self._connection.closed:
                    self._connection = self._taken()
                    _log.warning("The connection that shows that this process is alive was lost, and is there again.")
                elif not self._has_it:
                    self._take(self._connection)
                else:
                    asked_at = elapsed_seconds()
                    self._connection.execute("SELECT 1")
                    self._had_at = asked_at
            except psycopg.Error:
                self._connection.close()
