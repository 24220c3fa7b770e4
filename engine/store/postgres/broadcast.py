"""Short texts to all processes by NOTIFY (https://www.postgresql.org/docs/current/sql-notify.html)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any

import psycopg

from engine.base.errors import StorageError
from engine.store.postgres.connection import PostgresCursor, Server

_TELL = "SELECT pg_notify(?, told) FROM unnest(?::text[]) AS told"


class PostgresBroadcast:
    """One channel for each workspace; a connection of its own listens from the first `heard` on."""

    def __init__(self, server: Server, asking: Callable[[], AbstractContextManager[PostgresCursor]]) -> None:
        self._server, self._asking = server, asking
        self._channel = f"ai_orchestra_live_{server.key % 2**32}"  # without the sign of the key
        self._ear: psycopg.Connection[Any] | None = None

    def tell(self, texts: Sequence[str]) -> None:
        """Send texts in one transaction."""
        with suppress(StorageError), self._asking() as cursor:
            cursor.execute(_TELL, (self._channel, [*texts]))

    def heard(self, seconds: float) -> list[str]:
        """Return what the connection has got; while the server is away, this only waits."""
        try:
            if self._ear is None or self._ear.closed:
                self._ear = self._server.address.connect()
                self._ear.execute(f'LISTEN "{self._channel}"')
            return [one.payload for one in self._ear.notifies(timeout=seconds, stop_after=1)]
        except (psycopg.Error, OSError):
            self.close()
            time.sleep(seconds)
            return []

    def close(self) -> None:
        """Close the connection."""
        if self._ear is not None:
            self._ear.close()
            self._ear = None
