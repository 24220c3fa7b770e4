"""The database of blobs as they use it: a few statements at once, each made again after a lost connection."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, LiteralString, TypeVar

import psycopg

from engine.store.postgres.server.address import ServerAddress, refusal
from engine.store.postgres.server.pool import Connection, PostgresPool

Result = TypeVar("Result")
Parameters = Sequence[object] | Mapping[str, object]
_MOST = 8


class BlobConnections:
    """Up to eight connections to a database, each used by one thread at a time."""

    def __init__(self, address: str) -> None:
        """Connect to nothing yet. `address`: `postgresql://…`, also as SQLAlchemy writes it: `postgresql+psycopg://…`.

        Raises StorageError for an address that cannot be read.
        """
        self._address = ServerAddress.parsed(address)
        self.place = self._address.shown
        self._pool = PostgresPool(self._address, _MOST)
        self._allowed = threading.BoundedSemaphore(_MOST)

    def rows(self, query: LiteralString, parameters: Parameters) -> list[tuple[Any, ...]]:
        """Return the rows of a query. Raises StorageError."""
        return self.run(lambda connection: connection.execute(query, parameters, binary=True).fetchall())

    def execute(self, statement: LiteralString, parameters: Parameters) -> int:
        """Return how many rows a statement has changed. Raises StorageError."""
        return self.run(lambda connection: connection.execute(statement, parameters).rowcount)

    def run(self, work: Callable[[Connection], Result]) -> Result:
        """Return what `work` does with a connection in autocommit. Raises StorageError.

        It is repeated once, also if it may have been committed: a restart of the server closes every
        connection, and the server ends one of two transactions that wait for each other.
        """
        try:
            with self._allowed:
                try:
                    return self._run(work)
                except psycopg.OperationalError:
                    self._pool.clear()
                    return self._run(work)
        except psycopg.Error as error:
            raise refusal(self._address, error) from error

    def clear(self) -> None:
        """Close the connections that are not in use."""
        self._pool.clear()

    def close(self) -> None:
        """Close all connections, those in use once they are free."""
        self._pool.close()

    def _run(self, work: Callable[[Connection], Result]) -> Result:
        with self._pool.connection() as connection:
            return work(connection)
