"""What SQLite may do for a statement: an authorizer, limits of size, and an end at the deadline."""

from __future__ import annotations

import sqlite3
import time

from clients.deadline import seconds_left
from clients.sql.database import ONCE

_READS = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})
_NEVER = frozenset(
    {
        sqlite3.SQLITE_ATTACH,
        sqlite3.SQLITE_DETACH,
        sqlite3.SQLITE_PRAGMA,
        sqlite3.SQLITE_TRANSACTION,
        sqlite3.SQLITE_SAVEPOINT,
    }
)
"""Actions that a write must not take either: reach other files, change settings, or end its own transaction."""
_FUNCTIONS = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "randomblob", "zeroblob"})
_LONGEST_VALUE = 10_000_000
_STEPS = 10_000
"""SQLite's instructions between two looks at the clock: about a millisecond."""


def reads(action: int, _one: str | None, two: str | None, _file: str | None, _by: str | None) -> int:
    """Allow what reads tables and calls harmless functions."""
    return _answer(action in _READS, action, two)


def writes(action: int, one: str | None, two: str | None, _file: str | None, _by: str | None) -> int:
    """Allow changes to this database alone, but not to its table of markers, not even by triggers and views."""
    is_marker = ONCE in {(one or "").lower(), (two or "").lower()}
    return _answer(action not in _NEVER and not is_marker, action, two)


def _answer(is_allowed: bool, action: int, function: str | None) -> int:  # noqa: FBT001
    is_bad = action == sqlite3.SQLITE_FUNCTION and (function or "").lower() in _FUNCTIONS
    return sqlite3.SQLITE_OK if is_allowed and not is_bad else sqlite3.SQLITE_DENY


def limit(connection: sqlite3.Connection) -> None:
    """Set the limits of a connection: sizes, no attached files, nothing trusted in the file's own schema."""
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
    connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 100_000)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    # temp_store=2: temporary tables are in memory, not in files.
    for pragma in ("temp_store=2", "cell_size_check=1", "trusted_schema=0"):
        connection.execute(f"PRAGMA {pragma}")
    ends_at = time.monotonic() + seconds_left(300.0, TimeoutError)
    connection.set_progress_handler(lambda: time.monotonic() > ends_at, _STEPS)
