"""Announcements of runs by NOTIFY (https://www.postgresql.org/docs/current/sql-notify.html): everybody hears each."""

from __future__ import annotations

import threading
from typing import Any

import psycopg

from engine.store.postgres.connection import Server
from engine.store.postgres.server.address import storage_errors
from engine.store.sql.base.database import Cursor


class NotifiedAnnouncements:
    """The port `Announcements` on the server of the state; a connection of its own listens from the first `wait` on."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._channel = f"ai_orchestra_{server.key % 2**32}"  # without the sign of the key
        self._hearing = threading.Lock()
        self._ear: psycopg.Connection[Any] | None = None

    def announce(self, cursor: Cursor, count: int) -> None:
        """Notify all that wait; the server does so once the transaction is on disk."""
        del count
        cursor.execute("SELECT pg_notify(?, '')", (self._channel,))

    def committed(self) -> None:
        """Do nothing: the server knows."""

    def wait(self, seconds: float, *, takes: bool) -> bool:
        """Wait for a notification; return whether there was one, or may have been. Raises StorageError."""
        del takes
        with storage_errors(self._server.address), self._hearing:
            if self._ear is None or self._ear.closed:
                self._ear = self._server.address.connect()
                self._ear.execute(f'LISTEN "{self._channel}"')
                return True  # announcements before LISTEN are not heard, so there may be something already
            return any(True for _ in self._ear.notifies(timeout=seconds, stop_after=1))

    def close(self) -> None:
        """Close the connection."""
        if self._ear is not None:
            self._ear.close()
