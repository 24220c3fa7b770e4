"""Tables with their columns: from the rows of a server's catalogue, and as they were last read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

from msgspec import Struct

from clients.sql.address import DatabaseAddress, Dialect
from clients.sql.database import SqlTable, TableColumn

_FOLDER = "sql-tables"
_MOST_COLUMNS = 20_000
"""A database with more is not remembered: the compiler would read all of them for each statement."""


def assembled(rows: Iterable[Sequence[Any]]) -> list[SqlTable]:
    """Return tables from rows of (table, kind, column, type, is nullable, is key, refers to), in order."""
    found: dict[tuple[str, str], list[TableColumn]] = {}
    for table, kind, name, type_, is_nullable, is_key, refers_to in rows:
        column = TableColumn(name, type_, bool(is_nullable), bool(is_key), refers_to or "")
        found.setdefault((table, kind), []).append(column)
    return [SqlTable(table, kind, tuple(columns)) for (table, kind), columns in found.items()]


class SeenTables(Struct, frozen=True):
    """The tables of a database as they were last read."""

    dialect: Dialect
    tables: Sequence[SqlTable]


class Memory(Struct, frozen=True):
    """A file in the state folder with the tables that one account saw; its modification time is when they were read."""

    folder: Path
    address: DatabaseAddress

    @property
    def _path(self) -> Path:
        name = sha256(f"{self.address.shown} {self.address.user}".encode()).hexdigest()[:32]
        return self.folder / _FOLDER / f"{name}.json"

    def keep(self, tables: Sequence[SqlTable]) -> None:
        """Remember the tables, unless the state cannot be written."""
        if sum(len(table.columns) for table in tables) > _MOST_COLUMNS:
            return
        path = self._path
        draft = path.with_suffix(f".{uuid4().hex}")
        with suppress(OSError):
            path.parent.mkdir(mode=0o700, exist_ok=True)
            draft.write_text(json.dumps([asdict(table) for table in tables], ensure_ascii=False), encoding="utf-8")
            # In one step, since the compiler of another process may be reading.
            draft.replace(path)

    def seen(self) -> tuple[SeenTables, datetime] | None:
        """Return the tables and when they were read; None if nothing is known."""
        try:
            at = datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
            read = json.loads(self._path.read_text(encoding="utf-8"))
            tables = [
                SqlTable(one["name"], one["kind"], [TableColumn(**column) for column in one["columns"]]) for one in read
            ]
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return SeenTables(self.address.dialect, tables), at
