"""A damaged state.db is moved aside, so that a new one can be made from the logs of runs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from engine.errors import InUse
from engine.store.database import is_damage, storage_errors
from engine.store.locks import is_locked


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
    return aside


def _is_sound(path: Path) -> bool:
    with storage_errors(path):
        try:
            with closing(sqlite3.connect(path, timeout=30)) as connection:
                return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
        except sqlite3.DatabaseError as error:
            if is_damage(error):
                return False
            raise


def _refuse_while_in_use(folder: Path) -> None:
    owners = folder / "owners"
    living = [lock.stem for lock in owners.glob("*.lock") if is_locked(owners, lock.stem)]
    if living:
        raise InUse(
            f"The state file is damaged, and a process still works with it ({', '.join(sorted(living))}).",
            remedy="Stop it first, then say `orchestra reindex` again.",
        )
