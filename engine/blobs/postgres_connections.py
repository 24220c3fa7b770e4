"""Connections to PostgreSQL for blobs: few, kept open, and replaced where the server or the network has closed them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from engine.base.errors import StorageError

Result = TypeVar("Result")
Connection = psycopg.Connection[tuple[Any, ...]]
Parameters = Sequence[object] | Mapping[str, object]

_MOST = 8
_NETWORK = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,  # milliseconds
}
"""With these, a network that is cut is noticed within 30 s; without, after up to two hours."""
_REMEDY = "Check that the database answers and has space (`state` in config.yaml), then try again."


class Connections:
    """Up to eight connections to a database, each used by one thread at a time."""

    def __init__(self, address: str) -> None:
        """Connect to nothing yet. `address`: `postgresql://…`, also as SQLAlchemy writes it: `postgresql+psycopg://…`.

        Raises StorageError for an address that is none.
        """
        address = address.replace("postgresql+psycopg://", "postgresql://", 1)
        try:
            given = conninfo_to_dict(address)
        except psycopg.Error:  # libpq's message repeats the address, which may have a password
            raise StorageError("The address of the database cannot be read.", remedy=_REMEDY) from None
        self._address = make_conninfo(address, **{key: value for key, value in _NETWORK.items() if key not in given})
        self.place = f"The database {given.get('dbname', '')} on {given.get('host', 'this machine')}"
        self._free: list[Connection] = []
        self._allowed = threading.BoundedSemaphore(_MOST)

    def rows(self, query: LiteralString, parameters: Parameters) -> list[tuple[Any, ...]]:
        """Return the rows of a query. Raises StorageError."""
        return self.run(lambda connection: connection.execute(query, parameters, binary=True).fetchall())

    def execute(self, statement: LiteralString, parameters: Parameters) -> int:
        """Return how many rows a statement has changed. Raises StorageError."""
        return self.run(lambda connection: connection.execute(statement, parameters).rowcount)

    def run(self, work: Callable[[Connection], Result]) -> Result:
        """Return what `work` does with a connection in autocommit. Raises StorageError.

        It is repeated once, also where nobody knows whether it was committed: a restart of the server closes every
        connection, and the server ends one of two transactions that wait for each other.
        """
        try:
            with self._allowed:
                try:
                    return self._run(work)
                except psycopg.OperationalError:
                    self.close()
                    return self._run(work)
        except psycopg.Error as error:
            said = str(error).strip().partition("\n")[0] or type(error).__name__
            raise StorageError(f"{self.place} failed: {said}.", remedy=_REMEDY) from error

    def close(self) -> None:
        """Close the connections that are not in use."""
        with suppress(IndexError):
            while True:
                self._free.pop().close()

    def _run(self, work: Callable[[Connection], Result]) -> Result:
        try:
            connection = self._free.pop()
        except IndexError:
            connection = psycopg.connect(self._address, autocommit=True)
        try:
            result = work(connection)
        except BaseException:
            connection.close()
            raise
        self._free.append(connection)
        return result
