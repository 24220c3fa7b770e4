"""Read a state on a server from a machine whose workspace folder cannot be written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import psycopg

from engine.base.errors import StorageError
from engine.store.postgres.connection import PostgresCursor
from engine.store.postgres.database import PostgresState
from engine.store.postgres.journal import PostgresJournalConnection

if TYPE_CHECKING:
    from sqlalchemy import Connection


class ReadOnlyPostgres(PostgresState):
    """A database that is only read: it makes no tables, and writes raise StorageError before they reach the server."""

    def __init__(self, url: str, folder: Path) -> None:
        """`folder`: that of the state, which cannot be written."""
        self._folder = folder
        super().__init__(url)

    @contextmanager
    def asking(self) -> Iterator[PostgresCursor]:
        """Open a driver cursor in a session that the server keeps from writing."""
        try:
            with super().asking() as cursor:
                cursor.execute("SET default_transaction_read_only = on")
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
            f"{self._folder} cannot be written, so this process only reads the state at {self.address.shown}.",
            remedy="Give yourself write permission to the workspace folder, or work where you have it.",
        )
