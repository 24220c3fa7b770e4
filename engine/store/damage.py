"""A damaged state.db is moved aside, so that a new one can be made from the logs of runs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from engine.errors import InUse
from engine.store.database import is_damage, storage_errors
from engine.store.locks import is_locked
from engine.store.migrations import SCHEMA_VERSION
from engine.store.tables import metadata
from engine.workspace.files import sync_folder


def set_aside(folder: Path, now: datetime) -> Path | None:
    """Move state.db away if it is damaged; return where it lies now, None where it is sound or missing.

    Raises InUse where a living process still works with it, StorageError where it cannot be read or moved.
    """
    path = folder / "state.db"
    if not path.exists() or _is_sound(path):
        return None
    _refuse_while_in_use(folder)
    aside = folder / f"state.db.damaged-{now:%Y%m%dT%H%M%SZ}"
    with storage_errors(path):
        for suffix in ("-wal", "-shm", ""):  # the file itself last: until then it is found damaged again
            part = Path(f"{path}{suffix}")
            if part.exists():
                part.rename(f"{aside}{suffix}")
        sync_folder(folder)
    return aside


def _is_sound(path: Path) -> bool:
    with storage_errors(path):
        try:
            with closing(sqlite3.connect(path, timeout=30)) as connection:
                if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                    return False
                _read_all(connection)
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            if is_damage(error):
                return False
            raise
        return True


def _read_all(connection: sqlite3.Connection) -> None:
    """Read every column of every row, which SQLite's own check does not do."""
    if "meta" not in dict(connection.execute("SELECT name, sql FROM sqlite_schema")):
        return  # nothing is in it yet
    if connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone() != (SCHEMA_VERSION,):
        return  # another release has other columns
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
