"""Tables with their columns, from the rows of a server's catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from clients.sql.database import Table, TableColumn


def assembled(rows: Iterable[Sequence[Any]]) -> list[Table]:
    """Return tables from rows of (table, kind, column, type, is nullable, is key, refers to), in order."""
    found: dict[tuple[str, str], list[TableColumn]] = {}
    for table, kind, name, type_, is_nullable, is_key, refers_to in rows:
        column = TableColumn(name, type_, bool(is_nullable), bool(is_key), refers_to or "")
        found.setdefault((table, kind), []).append(column)
    return [Table(table, kind, tuple(columns)) for (table, kind), columns in found.items()]
