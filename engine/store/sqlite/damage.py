"""Move a damaged state.db aside, so that a new one can be rebuilt from the run logs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from engine.base.errors import InUse
from engine.files.atomic import sync_folder
from engine.store.locks import is_locked
from engine.store.sql.base.tables import SCHEMA_VERSION, metadata
from engine.store.sqlite.database import is_damage, storage_errors


def set_aside(folder: Path, now: datetime) -> Path | None:
    """Move state.db aside if it is damaged; return its new path, or None if the file is sound or missing.

    Raises InUse if a living process still uses it, StorageError if it cannot be read or moved.
    """
    path = folder / "state.db"
    if not path.exists() or is_sound(path):
        return None
    _refuse_while_in_use(folder)
    aside = folder / f"state.db.damaged-{now:%Y%m%dT%H%M%SZ}"
    with storage_errors(path):
        for suffix in ("-wal", "-shm", ""):  # the file itself last: until it moves, the damage is found again
            part = Path(f"{path}{suffix}")
            if part.exists():
                part.rename(f"{aside}{suffix}")
        sync_folder(folder)
    return aside


def is_sound(path: Path) -> bool:
    """Return whether a state file can be read completely."""
    with storage_errors(path):
        try:
            with closing(sqlite3.connect(path, timeout=30)) as connection:
                if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",) or _has_changed_names(connection):
                    return False
                _read_all(connection)
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            if is_damage(error):
                return False
            raise
        return True


def _has_changed_names(connection: sqlite3.Connection) -> bool:
    """Return whether SQLite finds a table of ours that it does not list, such as one in letters of another case."""
    listed = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    return any(_is_found(connection, name) for name in metadata.tables.keys() - listed)


def _is_found(connection: sqlite3.Connection, table: str) -> bool:
    return bool(connection.execute("SELECT count(*) FROM pragma_table_info(?)", (table,)).fetchone()[0])


def _read_all(connection: sqlite3.Connection) -> None:
    """Read every column of every row, which SQLite's own check does not do."""
    if "meta" not in dict(connection.execute("SELECT name, sql FROM sqlite_schema")):
        return  # the file is still empty
    if connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone() != (SCHEMA_VERSION,):
        return  # a file of another release has other columns
    for table in metadata.sorted_tables:
        columns = ", ".join(column.name for column in table.columns)
        for _ in connection.execute(f"SELECT {columns} FROM {table.name}"):  # noqa: S608 - our own names
            continue


def _refuse_while_in_use(folder: Path) -> None:
    owners = folder / "owners"
    living = [lock.stem for lock in owners.glob("*.lock") if is_locked(owners, lock.stem)]
    if living:
        raise InUse(
            f"The state file is damaged, and a process still works with it ({', '.join(sorted(living))}).",
            remedy="Stop it first, then say `orchestra reindex` again.",
        )
