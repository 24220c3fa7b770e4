"""Read a state on a server without writing: a replica, or where the folder of the workspace cannot be written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import psycopg

from engine.base.errors import StorageError
from engine.store.postgres.connection import PostgresCursor
from engine.store.postgres.database import PostgresState
from engine.store.postgres.journal import PostgresJournalConnection

if TYPE_CHECKING:
    from sqlalchemy import Connection


class ReadOnlyPostgres(PostgresState):
    """A database that is only read: it makes no tables, and the server keeps its sessions from writing."""

    reads_only = True

    def __init__(self, url: str, why: str, remedy: str) -> None:
        """`why` it is only read, for errors: the beginning of a sentence."""
        self._why, self._remedy = why, remedy
        super().__init__(url)

    @contextmanager
    def asking(self) -> Iterator[PostgresCursor]:
        """Open a driver cursor for one short read; another statement raises StorageError."""
        try:
            with super().asking() as cursor:
                yield cursor
        except StorageError as error:
            if isinstance(error.__cause__, psycopg.errors.ReadOnlySqlTransaction):
                self._refuse()
            raise

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Raise StorageError."""
        self._refuse()
        yield

    @contextmanager
    def inserting(self) -> Iterator[PostgresCursor]:
        """Raise StorageError."""
        self._refuse()
        yield

    def journal(self) -> PostgresJournalConnection:
        """Raise StorageError."""
        self._refuse()

    def _create(self) -> None:
        """Make nothing; require that there are tables of our form."""
        with self.reading() as connection:
            is_there = connection.exec_driver_sql("SELECT to_regclass('meta'), to_regclass('kept_texts')").one()
            if None in is_there:
                raise StorageError(
                    f"The state at {self.address.shown} is empty, and this process cannot prepare it.",
                    remedy="Open the workspace once where its folder can be written.",
                )
            self._require_our_form(connection)

    def _refuse(self) -> NoReturn:
        raise StorageError(
            f"{self._why}, so this process only reads the state at {self.address.shown}.", remedy=self._remedy
        )
