"""A state.db that this process cannot write, or that is not there yet: it can be read all the same."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import quote

from engine.errors import StorageError
from engine.store.database import Database, storage_errors
from engine.store.migrations import SCHEMA_VERSION
from engine.store.tables import meta, metadata

if TYPE_CHECKING:
    from sqlalchemy import Connection


_NOTHING = ":memory:"
_FORM = meta.select().where(meta.c.key == "schema_version")


def is_read_only(folder: Path) -> bool:
    """Tell whether the state in `folder`, which need not exist yet, can be read at most."""
    nearest = next(place for place in (folder, *folder.parents) if os.access(place, os.F_OK))
    state = folder / "state.db"
    return not all(os.access(path, os.W_OK) for path in (nearest, state) if os.access(path, os.F_OK))


class ReadOnlyDatabase(Database):
    """`reading()` works as ever; every write raises StorageError. Without a file there is nothing to read."""

    def __init__(self, folder: Path) -> None:
        from sqlalchemy import create_engine
        from sqlalchemy.pool import StaticPool

        self.path = folder / "state.db"
        self.write_lock = threading.Lock()
        address = _address(self.path)
        with storage_errors(self.path):
            # One connection for all threads: a workspace is looked at by one command.
            self._engine = create_engine("sqlite://", creator=lambda: _connection(address), poolclass=StaticPool)
            if address == _NOTHING:
                metadata.create_all(self._engine)
                return
            with self._engine.connect() as connection:
                found = connection.execute(_FORM).one_or_none()
                self._require_our_form(SCHEMA_VERSION if found is None else found.value)

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
    return sqlite3.connect(address, uri=True, timeout=30, check_same_thread=False)


def _address(path: Path) -> str:
    """Return where SQLite finds the state (https://www.sqlite.org/wal.html#read_only_databases)."""
    if not os.access(path, os.F_OK):
        return _NOTHING
    address = f"file:{quote(str(path))}?mode=ro"
    # SQLite reads a log beside the file only together with its index, which it cannot make here; where everything
    # was closed in order there is neither.
    has_log = any(os.access(path.with_name(f"{path.name}-{end}"), os.F_OK) for end in ("wal", "shm"))
    return address if has_log else f"{address}&immutable=1"
