"""Check that the open state file is still in place and readable."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

from engine.base.errors import DamagedState
from engine.store.sql.base.tables import metadata
from engine.store.sqlite.damage import is_sound
from engine.store.sqlite.database import SqliteStateDatabase, damage_seen, storage_errors

_LARGEST_CHECKED_BYTES = 64 * 1024 * 1024
"""Larger files are read completely only after a request has met damage in them."""
_AGAIN_SECONDS = 10.0  # at least between two complete readings of a damaged file
_BUSY_SECONDS = 2.0  # how long it waits for a lock on the file
_FIRST_ROWS = " UNION ALL ".join(
    f"SELECT count(*) FROM (SELECT * FROM {table.name} LIMIT 1)"  # noqa: S608 - our own names
    for table in metadata.sorted_tables
)
"""Reads a row of every table in one call: after each call, a thread waits for the GIL while another one computes."""


class Soundness:
    """Checks the file from a fresh connection, with nothing of it in memory; for any thread, one at a time."""

    def __init__(self, database: SqliteStateDatabase) -> None:
        self._database = database
        self._sound: tuple[int, int] | None = None
        self._damaged_at = 0.0

    def require(self) -> None:
        """Raise StorageError if the file was replaced or cannot be read, DamagedState if it is damaged."""
        self._database.require_in_place()
        self._require_readable()
        self._require_undamaged()

    def _require_readable(self) -> None:
        path = self._database.path
        with storage_errors(path), closing(sqlite3.connect(path, timeout=_BUSY_SECONDS)) as connection:
            connection.execute("PRAGMA query_only=1")
            connection.execute(_FIRST_ROWS).fetchall()
            found = path.stat()
            mark = (found.st_mtime_ns, found.st_size)
            if mark != self._sound and found.st_size <= _LARGEST_CHECKED_BYTES:
                self._require_consistent(connection)
            self._sound = mark

    def _require_consistent(self, connection: sqlite3.Connection) -> None:
        said = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        if said != "ok":
            raise DamagedState(f"{self._database.path} is damaged: {said.splitlines()[0]}.")

    def _require_undamaged(self) -> None:
        """Read the complete file after a request has met damage in it, until it is sound again."""
        path = self._database.path
        why = damage_seen.get(path)
        if why is None:
            return
        if time.monotonic() - self._damaged_at > _AGAIN_SECONDS:
            if is_sound(path):
                damage_seen.pop(path, None)
                return
            self._damaged_at = time.monotonic()
        raise DamagedState(f"{path} is damaged: {why}.")
