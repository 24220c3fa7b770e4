"""Named texts in a table, for all processes of the workspace; each write is a transaction of its own."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import psycopg

from engine.base.errors import InUse, StorageError
from engine.store.postgres.connection import PostgresCursor, Server, key_of
from engine.store.postgres.server.address import storage_errors

TABLE = """
CREATE TABLE IF NOT EXISTS kept_texts (
    name text COLLATE "C" PRIMARY KEY,
    mark text NOT NULL,  -- random, changes whenever the text is put
    text text NOT NULL
)
"""
_PUT = (
    "INSERT INTO kept_texts (name, mark, text) VALUES (?, ?, ?)"
    " ON CONFLICT (name) DO UPDATE SET mark = excluded.mark, text = excluded.text"
)
_PUT_NEW = "INSERT INTO kept_texts SELECT * FROM unnest(?::text[], ?::text[], ?::text[])"
_BELOW = "SELECT name FROM kept_texts WHERE name > ? AND name < ? ORDER BY name"
"""In the order of bytes, every name that begins with `folder/` is between this and `folder0`."""
_DIRECTLY_IN = (
    "SELECT substr(name, ?), text FROM kept_texts"
    " WHERE name > ? AND name < ? AND strpos(substr(name, ?), '/') = 0 ORDER BY name"
)
_MOVE = "UPDATE kept_texts SET name = ? || substr(name, ?) WHERE name > ? AND name < ?"
_REMOVE_ALL = "DELETE FROM kept_texts WHERE name > ? AND name < ?"


class PostgresTexts:
    """Texts are rows. Writing waits for no other transaction, since a writing one may be open in this very thread."""

    is_shared = True

    def __init__(self, server: Server, asking: Callable[[], AbstractContextManager[PostgresCursor]]) -> None:
        self._server, self._asking = server, asking

    def get(self, name: str) -> str | None:
        """Return the text of a row."""
        return self._one("SELECT text FROM kept_texts WHERE name = ?", name)

    def mark(self, name: str) -> str | None:
        """Return the mark of a row, which is random."""
        return self._one("SELECT mark FROM kept_texts WHERE name = ?", name)

    def names(self, folder: str) -> list[str]:
        """Return the names of rows."""
        return list(self.all(folder))

    def all(self, folder: str) -> dict[str, str]:
        """Return the texts of rows."""
        begin = len(folder) + 2
        with self._asking() as cursor:
            return dict(cursor.execute(_DIRECTLY_IN, (begin, *_bounds(folder), begin)).fetchall())

    def below(self, folder: str) -> list[str]:
        """Return the names of rows."""
        with self._asking() as cursor:
            return [str(name) for (name,) in cursor.execute(_BELOW, _bounds(folder)).fetchall()]

    def put(self, name: str, text: str) -> None:
        """Write a row, again if a connection was lost: it may hold a renewed sign-in, and the old one is void."""
        row = (name, _mark(), text)
        try:
            self._put(row)
        except StorageError:
            self._put(row)

    def put_new(self, folder: str, texts: Mapping[str, str]) -> None:
        """Write rows in one transaction."""
        del folder
        with self._asking() as cursor:
            cursor.execute(_PUT_NEW, ([*texts], [_mark() for _ in texts], [*texts.values()]))

    def remove(self, *names: str) -> None:
        """Delete rows."""
        with self._asking() as cursor:
            cursor.execute("DELETE FROM kept_texts WHERE name = ANY(?)", ([*names],))

    def move(self, folder: str, new: str) -> None:
        """Rename rows in one transaction."""
        with self._asking() as cursor:
            # without a source, the target stays as it is
            if not cursor.execute(_BELOW, _bounds(folder)).fetchall():
                return
            cursor.execute("BEGIN")
            cursor.execute(_REMOVE_ALL, _bounds(new))
            cursor.execute(_MOVE, (f"{new}/", len(folder) + 2, *_bounds(folder)))
            cursor.execute("COMMIT")

    def remove_all(self, folder: str) -> None:
        """Delete rows."""
        with self._asking() as cursor:
            cursor.execute(_REMOVE_ALL, _bounds(folder))

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold an advisory lock on a connection of its own, with which it ends however the process does.

        Raises InUse if another process has held it for 30 seconds.
        """
        connection = self._locked(name)
        try:
            yield
        finally:
            connection.close()

    def where(self, name: str) -> str:
        """Return the name and the server."""
        return f"{name} in the table kept_texts at {self._server.address.shown}"

    def _locked(self, name: str) -> psycopg.Connection[tuple[object, ...]]:
        with storage_errors(self._server.address):
            connection = self._server.address.connect()
            try:
                connection.execute("SELECT pg_advisory_lock(%s, %s)", (self._server.key, key_of(f"text {name}")))
            except psycopg.errors.LockNotAvailable:  # after the `lock_timeout` that each of our connections sets
                connection.close()
                said = f"Another process has worked on {name} for 30 seconds."
                raise InUse(said, remedy="Try again; `orchestra workers list` shows the processes.") from None
            except BaseException:
                connection.close()
                raise
            return connection

    def _put(self, row: tuple[str, str, str]) -> None:
        with self._asking() as cursor:
            cursor.execute(_PUT, row)

    def _one(self, query: str, name: str) -> str | None:
        with self._asking() as cursor:
            row = cursor.execute(query, (name,)).fetchone()
        return None if row is None else str(row[0])


def _bounds(folder: str) -> tuple[str, str]:
    return f"{folder}/", f"{folder}0"


def _mark() -> str:
    return secrets.token_hex(8)
