"""The tables of a workspace in one SQLite file, shared by all its processes; the demo has another file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import starmap
from pathlib import Path
from typing import Any

from clients.check_line import CheckLine, failed
from clients.client import Client, Opening
from clients.datastore.rows import (
    SERVICE,
    SavedRow,
    StoredRow,
    TableRow,
    TableRows,
    WantedRows,
    chosen,
    json_of,
    merged,
    require_depth,
    require_key,
    require_room,
    require_size,
    require_storable,
    require_table,
)
from clients.datastore.service import STORE, StoreSettings
from clients.errors import InvalidRequest, Unavailable
from clients.in_workspace.sqlite_file import opened
from clients.reads_only import is_active, refused

_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
    name TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, updated_at TEXT NOT NULL, PRIMARY KEY (name, key)
) WITHOUT ROWID;
CREATE TABLE sizes (name TEXT PRIMARY KEY, count INTEGER NOT NULL, size_bytes INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO sizes SELECT name, count(*), sum(length(CAST(value AS BLOB))) FROM rows GROUP BY name;
CREATE TRIGGER added AFTER INSERT ON rows BEGIN
    INSERT INTO sizes VALUES (new.name, 1, length(CAST(new.value AS BLOB))) ON CONFLICT (name) DO UPDATE
    SET count = count + 1, size_bytes = size_bytes + excluded.size_bytes;
END;
CREATE TRIGGER changed AFTER UPDATE OF value ON rows BEGIN
    UPDATE sizes SET size_bytes = size_bytes - length(CAST(old.value AS BLOB)) + length(CAST(new.value AS BLOB))
    WHERE name = new.name;
END;
CREATE TRIGGER removed AFTER DELETE ON rows BEGIN
    UPDATE sizes SET count = count - 1, size_bytes = size_bytes - length(CAST(old.value AS BLOB)) WHERE name = old.name;
    DELETE FROM sizes WHERE name = old.name AND count = 0;
END
"""
"""`sizes` is kept by triggers: a save never adds up its whole table. `length` counts bytes only of a BLOB."""


class StoreClient(Client):
    """The tables: `names`, `get`, `query`, `save`, `put_back`, `delete`, `drop`. A change is on disk when it returns.

    Every method raises InvalidRequest for a name that cannot be one, and Unavailable if the file cannot be used.
    """

    service = STORE

    def __init__(self, file: Path | None, *, is_demo: bool) -> None:
        self._file, self._is_demo = file, is_demo

    @classmethod
    def open(cls, settings: StoreSettings, opening: Opening) -> StoreClient:
        """Return a client for the tables of the workspace, or of its demo."""
        del settings
        name = STORE.demo_file if opening.is_demo else STORE.shared_file
        return cls(opening.shared_folder / name if opening.shared_folder else None, is_demo=opening.is_demo)

    def account(self) -> str:
        """Return the owner of the tables."""
        return "demo-tables" if self._is_demo else "tables"

    def label(self) -> str:
        """Return the owner of the tables, in words for people."""
        return "the demo's tables" if self._is_demo else "the tables of this workspace"

    def check(self) -> list[CheckLine]:
        """Look whether the file can be read."""
        try:
            count = len(self.names())
        except Unavailable as error:
            return [failed(self.service, "tables", error)]
        return [
            CheckLine("tables", ok=True, text=f"There are {count} tables." if count != 1 else "There is one table.")
        ]

    def names(self) -> dict[str, int]:
        """Return the number of rows of every table by its name, sorted."""
        with self._opened() as file:
            return dict(file.execute("SELECT name, count FROM sizes ORDER BY name"))

    def get(self, table: str, key: str) -> TableRow | None:
        """Return a row, or None."""
        require_table(table)
        require_key(key)
        with self._opened() as file:
            found = _row(file, table, key)
        return None if found is None else found.row

    def query(self, table: str, wanted: WantedRows) -> TableRows:
        """Return rows of a table; without such a table, no rows."""
        require_table(table)
        with self._opened() as file:
            found = file.execute("SELECT key, value, updated_at FROM rows WHERE name = ?", (table,))
            return chosen(starmap(StoredRow, found), wanted)

    def save(self, table: str, key: str, value: Any, *, merge: bool = False, is_new: bool = False) -> SavedRow:
        """Add or replace a row; with `merge`, members of its value that are not given stay.

        A row that has this value already is left as it is. Raises InvalidRequest if it, or the table, is too large, if
        it is nested too deep or holds a NUL character or a whole number over 64 bits, with `merge` if one of the two
        values is not an object, and with `is_new` if there is a row with this key.
        """
        require_table(table)
        require_key(key)
        with self._writing(f"the row {key!r} of the table {table!r}") as file:
            before = _row(file, table, key)
            if is_new and before is not None:
                raise InvalidRequest(
                    f"The table {table!r} has a row {key[:80]!r} already.",
                    service=SERVICE,
                    remedy="Open that row to change it, or give another key.",
                )
            if merge:
                value = merged(key, value, None if before is None else before.row)
            require_depth(key, value)
            require_storable(key, value)
            text = json_of(value)
            if before is not None and json_of(before.value) == text:
                return SavedRow(before.row, before)
            require_size(key, text)
            row = TableRow(key, value, _now())
            _put(file, table, row)
            require_room(table, *_size(file, table))  # the row is counted already; a refusal rolls it back
            return SavedRow(row, before)

    def put_back(self, table: str, key: str, now: Any, before: TableRow | None) -> bool:
        """Put a row back as it was before if its value still is `now`; None removes it. Return whether it is as before.

        `now` is None if there was no row then.
        """
        require_table(table)
        with self._writing(f"the row {key!r} of the table {table!r}") as file:
            there = _row(file, table, key)
            text = None if there is None else json_of(there.value)
            if text == (None if before is None else json_of(before.value)):
                return True
            if text != (None if now is None else json_of(now)):
                return False
            _remove(file, table, key)
            if before is not None:
                _put(file, table, TableRow(key, before.value, _now()))
            return True

    def delete(self, table: str, key: str) -> StoredRow | None:
        """Delete a row, and return it; None if there was none."""
        require_table(table)
        require_key(key)
        with self._writing(f"the row {key!r} of the table {table!r}") as file:
            there = _row(file, table, key)
            _remove(file, table, key)
            return there

    def drop(self, table: str) -> int:
        """Delete a table with all its rows, and return their number."""
        require_table(table)
        with self._writing(f"the table {table!r}") as file:
            return file.execute("DELETE FROM rows WHERE name = ?", (table,)).rowcount

    @contextmanager
    def _writing(self, what: str) -> Iterator[sqlite3.Connection]:
        """Hold the file alone, for one transaction."""
        if is_active():
            raise refused(what[:1].upper() + what[1:])
        with self._opened() as file:
            # A transaction that begins with a read fails at once (SQLITE_BUSY) if another one writes before it does.
            file.execute("BEGIN IMMEDIATE")
            with file:
                yield file

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        if self._file is None:
            raise Unavailable("There is no workspace that has tables.", service=SERVICE, outcome="not_done")
        remedy = "Check the disk and the rights of that file; a copy of it can be put in its place."
        with opened(self._file, _SCHEMA, _VERSION, what="The tables", service=SERVICE, remedy=remedy) as file:
            yield file


def _row(file: sqlite3.Connection, table: str, key: str) -> StoredRow | None:
    found = file.execute("SELECT value, updated_at FROM rows WHERE name = ? AND key = ?", (table, key)).fetchone()
    return None if found is None else StoredRow(key, *found)


def _size(file: sqlite3.Connection, table: str) -> tuple[int, int]:
    """Return the number of rows of a table, and of the bytes of their values."""
    found = file.execute("SELECT count, size_bytes FROM sizes WHERE name = ?", (table,)).fetchone()
    return (0, 0) if found is None else (int(found[0]), int(found[1]))


def _put(file: sqlite3.Connection, table: str, row: TableRow) -> None:
    values = (table, row.key, json_of(row.value), row.updated_at)
    file.execute(
        "INSERT INTO rows (name, key, value, updated_at) VALUES (?, ?, ?, ?) ON CONFLICT (name, key)"
        " DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
        values,
    )


def _remove(file: sqlite3.Connection, table: str, key: str) -> None:
    file.execute("DELETE FROM rows WHERE name = ? AND key = ?", (table, key))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
