"""Connections to a server that are kept open, and replaced where the server or the network has closed them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeAlias

import psycopg

from engine.store.postgres.server.address import ServerAddress

Connection: TypeAlias = psycopg.Connection[Any]
_ASK_FIRST_SECONDS = 1.0
"""A connection that was idle for longer may be lost: it is asked first."""


class PostgresPool:
    """Gives connections outside of transactions, each to one thread at a time; opens as many as are needed at once."""

    def __init__(self, address: ServerAddress, most_free: int) -> None:
        """`most_free`: how many are kept open while nobody uses them."""
        self._address, self._most_free = address, most_free
        self._free: list[tuple[Connection, float]] = []
        self._is_closed = False

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection; if the block fails, its transaction is rolled back. Raises psycopg.OperationalError."""
        connection = self._free_one() or self._address.connect()
        try:
            yield connection
        except BaseException:
            roll_back(connection)
            raise
        finally:
            if connection.closed or self._is_closed or len(self._free) >= self._most_free:
                connection.close()
            else:
                self._free.append((connection, time.monotonic()))

    def clear(self) -> None:
        """Close the connections that are free."""
        with suppress(IndexError):
            while True:
                self._free.pop()[0].close()

    def close(self) -> None:
        """Close the connections that are free, and each other one once it is no longer used."""
        self._is_closed = True
        self.clear()

    def _free_one(self) -> Connection | None:
        while True:
            try:
                connection, since = self._free.pop()
            except IndexError:  # to ask first whether there is one would race with other threads
                return None
            if time.monotonic() - since < _ASK_FIRST_SECONDS:
                return connection
            with suppress(psycopg.Error):
                connection.execute("SELECT 1")
                return connection
            connection.close()


def roll_back(connection: Connection) -> None:
    """End the transaction of a connection, if there is one."""
    if not connection.closed and connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        with suppress(psycopg.Error):
            connection.execute("ROLLBACK")
