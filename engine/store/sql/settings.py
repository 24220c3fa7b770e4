"""Small switches of a workspace in `state.db`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.store.sql.base.database import StateDatabase
from engine.store.sql.base.tables import settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

_GET = "SELECT value FROM settings WHERE key = ?"
_PUT = "INSERT INTO settings VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"


class SettingsTable:
    """Text values by key in state.db; thread-safe."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def get(self, key: str, default: str = "") -> str:
        """Return the value of a key."""
        with self._database.asking() as cursor:
            row = cursor.execute(_GET, (key,)).fetchone()
        return default if row is None else str(row[0])

    def with_prefix(self, prefix: str) -> dict[str, str]:
        """Return all values whose keys have a prefix, by key."""
        mine = settings.c.key.startswith(prefix, autoescape=True)
        with self._database.reading() as connection:
            return {row.key: row.value for row in connection.execute(settings.select().where(mine))}

    def put(self, key: str, value: str) -> None:
        """Store a value; it is on disk when this returns."""
        with self._database.writing() as connection:
            connection.execute(settings.delete().where(settings.c.key == key))
            connection.execute(settings.insert().values(key=key, value=value))

    def change(self, key: str, change: Callable[[str], str | None]) -> None:
        """Replace a value with the result of `change`, None to remove it; no other write happens in between.

        `change` receives an empty text if there is no value. If it raises, the value is kept.
        """
        with self._database.inserting() as cursor:
            row = cursor.execute(_GET, (key,)).fetchone()
            value = change("" if row is None else str(row[0]))
            if value is None:
                cursor.execute("DELETE FROM settings WHERE key = ?", (key,))
            elif row is None or value != row[0]:
                cursor.execute(_PUT, (key, value))

    def change_all(self, prefix: str, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        """Replace all values whose keys have a prefix with the result of `change`, in one transaction."""
        mine = settings.c.key.startswith(prefix, autoescape=True)
        with self._database.writing() as connection:
            there = {row.key: row.value for row in connection.execute(settings.select().where(mine))}
            wanted = change(there)
            if wanted != there:
                connection.execute(settings.delete().where(mine))
                rows = [{"key": key, "value": value} for key, value in wanted.items()]
                connection.execute(settings.insert(), rows) if rows else None

    def remove(self, key: str) -> None:
        """Remove a key, if present."""
        with self._database.writing() as connection:
            connection.execute(settings.delete().where(settings.c.key == key))


def exchanged(connection: Connection, key: str, before: str, after: str) -> bool:
    """Replace a value in the caller's transaction; return False if it is not `before` (empty: no value)."""
    is_it = settings.c.key == key
    if (connection.execute(select(settings.c.value).where(is_it)).scalar() or "") != before:
        return False
    connection.execute(settings.delete().where(is_it))
    add_all(connection, {key: after})
    return True


def add_all(connection: Connection, values: Mapping[str, str]) -> None:
    """Store new values in the caller's transaction."""
    rows = [{"key": key, "value": value} for key, value in values.items()]
    if rows:
        connection.execute(settings.insert(), rows)
