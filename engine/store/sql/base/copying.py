"""Copy a state from one database to another: every row, checked by the counts and hashes of both."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select

from engine.base.errors import InUse, StorageError
from engine.store.locks import Locks
from engine.store.sql.base.database import Database
from engine.store.sql.base.facts import ANNOUNCEMENTS, UNREAD_LOGS
from engine.store.sql.base.tables import meta, metadata, owners, runs

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

_AT_ONCE = 500
_OF_ONE_DATABASE = (ANNOUNCEMENTS, UNREAD_LOGS, "health", "schema_version")
"""Facts that are about the database itself."""


@dataclass(frozen=True)
class CopiedState:
    """What was copied."""

    rows: Mapping[str, int]
    """How many rows of each table."""
    sha256: str
    """Of the hashes of all tables, each of its rows in the order of their keys: the same in both."""


class _Content(NamedTuple):
    """What a table has."""

    rows: int
    sha256: str
    """Of its rows, in the order of their keys."""


def copied(source: Database, target: Database) -> CopiedState:
    """Copy all but the processes into an empty state, in one transaction. Raises InUse, StorageError.

    `target` has been opened, so that it has its tables; who opened it first may have added the user `owner`.
    """
    with source.reading() as reading:
        with target.writing() as writing:
            _require_empty(writing)
            for table in _tables():
                writing.execute(table.delete() if table is not meta else _facts(table.delete()))
                for rows in _pieces(reading, table):
                    writing.execute(table.insert(), rows)
            writing.execute(meta.delete().where(meta.c.key == UNREAD_LOGS))
            target.number_on(writing)
        found = _hashed(reading)
    with target.reading() as there:
        _require_same(found, _hashed(there))
    digest = hashlib.sha256("".join(one.sha256 for one in found.values()).encode())
    return CopiedState({name: one.rows for name, one in found.items()}, digest.hexdigest())


def _require_same(state: Mapping[str, _Content], copy: Mapping[str, _Content]) -> None:
    """Raise StorageError, naming each table that differs and how."""
    if differences := "; ".join(_difference(name, one, copy[name]) for name, one in state.items() if one != copy[name]):
        raise StorageError(
            f"The copy differs from the state in {differences}. Something worked on one of them meanwhile.",
            remedy="Stop every process, empty the other database, and copy again.",
        )


def _difference(table: str, state: _Content, copy: _Content) -> str:
    if state.rows == copy.rows:
        return f"{table}: {state.rows:,} rows, and as many others in the copy"
    return f"{table}: {state.rows:,} rows, and {copy.rows:,} in the copy"


def _tables() -> list[Table]:
    return [table for table in metadata.sorted_tables if table is not owners]


def _facts(statement: Any) -> Any:
    return statement.where(meta.c.key.not_in(_OF_ONE_DATABASE))


def require_empty(target: Database, locks: Locks) -> None:
    """Raise InUse if a state has runs, writes or triggers, or a process works with it: it would lose its users."""
    with target.reading() as connection:
        _require_empty(connection)
        known = list(connection.execute(select(owners.c.owner)).scalars())
    if living := [owner for owner in known if locks.is_held(owner)]:
        raise InUse(f"Processes work with the other state: {', '.join(living)}.", remedy="Stop them, then copy.")


def _require_empty(connection: Connection) -> None:
    for table in (runs, metadata.tables["effects"], metadata.tables["triggers"]):
        if connection.execute(select(func.count()).select_from(table)).scalar_one():
            raise InUse(
                f"The other state is not empty: it has {table.name}.",
                remedy="Name an empty database, or another schema of it.",
            )


def _pieces(connection: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    statement = select(table).order_by(*table.primary_key)
    result = connection.execute(_facts(statement) if table is meta else statement)
    for rows in result.mappings().partitions(_AT_ONCE):
        yield [dict(row) for row in rows]


def _hashed(connection: Connection) -> dict[str, _Content]:
    """Return what each table has, by its name."""
    found = {}
    for table in _tables():
        digest, count = hashlib.sha256(), 0
        for rows in _pieces(connection, table):
            for row in rows:
                count += 1
                digest.update(repr([table.name, *row.values()]).encode())
        found[table.name] = _Content(count, digest.hexdigest())
    return found
