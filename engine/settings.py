"""Small switches of a workspace that are state, not file."""

from __future__ import annotations

from engine.store.database import Database
from engine.store.tables import settings


class Settings:
    """Text values by key in state.db; thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str, default: str = "") -> str:
        """Return the value of a key."""
        with self._database.reading() as connection:
            row = connection.execute(settings.select().where(settings.c.key == key)).first()
        return default if row is None else str(row.value)

    def put(self, key: str, value: str) -> None:
        """Store a value; it is on disk when this returns."""
        with self._database.writing() as connection:
            connection.execute(settings.delete().where(settings.c.key == key))
            connection.execute(settings.insert().values(key=key, value=value))

    def remove(self, key: str) -> None:
        """Forget a key, where it is there."""
        with self._database.writing() as connection:
            connection.execute(settings.delete().where(settings.c.key == key))
