"""An SQLite file that all processes of a workspace share: private, made on first use, each change on disk at once."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from clients.errors import Unavailable

_WAIT_SECONDS = 30.0


@contextmanager
def opened(
    path: Path, schema: str, version: int, *, what: str, service: str, remedy: str
) -> Iterator[sqlite3.Connection]:
    """Give the file, made if need be; deleted rows leave no bytes in it. Raises Unavailable, which names `what` it is.

    Where it cannot be written, it can still be read; a missing file is then empty.

    `schema` brings a file of any earlier version up to `version`; processes that open it together apply it once.
    """
    try:
        if not _is_writable(path):
            with closing(_copied(path, schema, version)) as file:
                yield file
            return
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))  # private before anything is in it
        with closing(sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)) as file:
            file.execute("PRAGMA synchronous = FULL")
            file.execute("PRAGMA secure_delete = ON")
            _bring_up_to(file, schema, version)
            yield file
    except (sqlite3.Error, OSError) as error:
        message = f"{what} in {path} cannot be used: {error}."
        raise Unavailable(message, service=service, remedy=remedy, outcome="not_done") from error


def _is_writable(path: Path) -> bool:
    return all(os.access(one, os.W_OK) for one in (path.parent, path) if one.exists())


def _copied(path: Path, schema: str, version: int) -> sqlite3.Connection:
    """Return the present contents of a file that cannot be written; writes to them raise sqlite3.Error."""
    found = sqlite3.connect(":memory:", isolation_level=None)
    try:
        if path.exists():
            with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", timeout=_WAIT_SECONDS, uri=True)) as file:
                file.backup(found)
        _bring_up_to(found, schema, version)
        found.execute("PRAGMA query_only = ON")
    except BaseException:
        found.close()
        raise
    return found


def _bring_up_to(file: sqlite3.Connection, schema: str, version: int) -> None:
    if _version(file) == version:
        return
    file.execute("BEGIN IMMEDIATE")
    with file:
        if _version(file) != version:  # another process may have been first
            for statement in _statements(schema):
                file.execute(statement)
            file.execute(f"PRAGMA user_version = {version}")


def _version(file: sqlite3.Connection) -> int:
    return int(file.execute("PRAGMA user_version").fetchone()[0])


def _statements(schema: str) -> Iterator[str]:
    """Yield the statements of a schema (`executescript` would end the transaction)."""
    statement = ""
    for part in schema.split(";"):
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
