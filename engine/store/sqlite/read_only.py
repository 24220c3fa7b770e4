"""Read a state.db that this process cannot write, or that does not exist yet."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

from engine.base.errors import StorageError
from engine.store.sql.base.tables import SCHEMA_VERSION, meta, metadata
from engine.store.sqlite.database import SqliteState, know_capitals, storage_errors

if TYPE_CHECKING:
    from sqlalchemy import Connection


_NOTHING = ":memory:"
_FORM = meta.select().where(meta.c.key == "schema_version")


def is_read_only(folder: Path) -> bool:
    """Return whether the state in `folder`, which need not exist yet, can only be read."""
    nearest = next(place for place in (folder, *folder.parents) if os.access(place, os.F_OK))
    state = folder / "state.db"
    return not all(os.access(path, os.W_OK) for path in (nearest, state) if os.access(path, os.F_OK))


class ReadOnlyDatabase(SqliteState):
    """A database whose `reading()` works as usual and whose writes raise StorageError. Without a file it is empty."""

    def __init__(self, folder: Path) -> None:
        from sqlalchemy import create_engine
        from sqlalchemy.pool import StaticPool

        self.path = folder / "state.db"
        self.write_lock = threading.Lock()
        self._askers: list[sqlite3.Connection] = []
        with storage_errors(self.path), ExitStack() as failed:
            address = _address(self.path)
            # One connection serves all threads: only a single command reads such a workspace.
            self._engine = create_engine("sqlite://", creator=lambda: _connection(address), poolclass=StaticPool)
            failed.callback(self._engine.dispose)
            self._prepare(is_empty=address == _NOTHING)
            failed.pop_all()

    def _prepare(self, *, is_empty: bool) -> None:
        if is_empty:
            metadata.create_all(self._engine)
            return
        with self._engine.connect() as connection:
            found = connection.execute(_FORM).one_or_none()
            self._require_our_form(SCHEMA_VERSION if found is None else found.value)

    @contextmanager
    def asking(self) -> Iterator[sqlite3.Cursor]:
        """Return a cursor of the one connection."""
        with storage_errors(self.path), self._engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            yield driver.cursor()

    def fact(self, key: str) -> str | None:
        """Return the value of a key in `meta`, if any."""
        with self.reading() as connection:
            found = connection.execute(meta.select().where(meta.c.key == key)).one_or_none()
        return None if found is None else str(found.value)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Raise StorageError."""
        self._refuse()
        yield

    def raw_connection(self) -> sqlite3.Connection:
        """Raise StorageError."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise StorageError(
            f"{self.path} cannot be written.",
            remedy="Give yourself write permission to the workspace folder, or work in a copy of it.",
        )


def _connection(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, timeout=30, check_same_thread=False)
    know_capitals(connection)
    return connection


def _address(path: Path) -> str:
    """Return the URI of the state for SQLite. Raises OSError if it may not be read (https://www.sqlite.org/wal.html#read_only_databases)."""
    try:
        path.stat()
    except FileNotFoundError:
        return _NOTHING
    # Other errors are raised: a folder that may not be entered need not be empty.
    address = f"file:{quote(str(path))}?mode=ro"
    # SQLite reads a log beside the file only together with its index, which it cannot create here; if everything
    # was closed properly, neither exists.
    has_log = any(os.access(path.with_name(f"{path.name}-{end}"), os.F_OK) for end in ("wal", "shm"))
    return address if has_log else f"{address}&immutable=1"
