"""What is never opened by a path that a person or a step gives: hard links, and copies of the state.

A hard link may lead to a private file. Opening the live state file by it is worse than a leak: the
first `close` of any handle ends all locks that a process has on the file (POSIX; https://sqlite.org/howtocorrupt.html,
2.2). So links are recognized before anything is opened.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing

SECOND_NAME = "it is a hard link, which may lead to a private file"
COPY_IT = "Copy the file (`cp FILE COPY`), delete the link, and give the path of the copy."
STATE = "it is a copy of AI-Orchestra's own state, with its users and sign-ins"
_MAGIC = b"SQLite format 3\0"
_TABLES = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('effects', 'login_links')"


def has_second_name(facts: os.stat_result) -> bool:
    """Return whether a file has hard links besides the requested name."""
    return stat.S_ISREG(facts.st_mode) and facts.st_nlink > 1


def holds_state(connection: sqlite3.Connection) -> bool:
    """Return whether a database is the state of a workspace, or a copy of one. Raises sqlite3.Error."""
    return bool(connection.execute(_TABLES).fetchone()[0] == 2)


def is_state(handle: int) -> bool:
    """Return whether an open regular file is a copy of the state of a workspace, whatever its name is."""
    if os.pread(handle, len(_MAGIC), 0) != _MAGIC:
        return False
    try:
        # `immutable`: SQLite takes no lock, and looks for no journal beside the file (sqlite.org/uri.html).
        with closing(sqlite3.connect(f"file:/dev/fd/{handle}?mode=ro&immutable=1", uri=True)) as connection:
            return holds_state(connection)
    except sqlite3.Error:  # damaged, or encrypted
        return False
