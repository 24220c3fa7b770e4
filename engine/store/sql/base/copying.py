"""Copy a state from one database to another: every row, checked by the counts and hashes of both."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from engine.base.errors import InUse, StorageError
from engine.store.locks import Locks
from engine.store.sql.base.database import StateDatabase
from engine.store.sql.base.facts import ANNOUNCEMENTS, UNREAD_LOGS
from engine.store.sql.base.tables import meta, metadata, owners, runs

if TYPE_CHECKING:
    from sqlalchemy import Column, Connection, Table

_AT_ONCE = 500  # rows in memory at a time
_LONGEST = 40  # characters of a value in a message
_KINDS: Mapping[type, tuple[str, tuple[type, ...]]] = {
    str: ("a text", (str,)),
    int: ("a whole number", (int,)),
    float: ("a number", (int, float)),
}
"""What the values of a column of a type must be; SQLite keeps any value in any column."""
_OF_LIMITS = "54"
"""The class of SQLSTATE for a value that is too large, such as one for an index."""
_OF_ONE_DATABASE = (ANNOUNCEMENTS, UNREAD_LOGS, "health", "schema_version")
"""Facts that are about the database itself."""
_MOVE_AWAY = "Move `.orchestra/state.db` away, then copy."
_NAME_ANOTHER = "Name an empty database, or another schema of it."


@dataclass(frozen=True)
class CopiedState:
    """What was copied."""

    rows: Mapping[str, int]
    """How many rows of each table."""
    sha256: str
    """The hash of the hashes of all tables, each over its rows in the order of their keys: the same in both."""


class _Content(NamedTuple):
    """What a table has."""

    rows: int
    sha256: str
    """The hash of its rows, in the order of their keys."""


def copied(source: StateDatabase, target: StateDatabase) -> CopiedState:
    """Copy all but the processes into an empty state, in one transaction. Raises InUse, StorageError.

    `target` has been opened, so that it has its tables; who opened it first may have added the user `owner`.
    """
    with target.writing() as writing:
        _require_empty(writing)
        for table in _tables():
            writing.execute(table.delete() if table is not meta else _facts(table.delete()))
            for rows in _pieces(source, table):
                _require_whole(table, rows)
                _insert(writing, table, rows)
        # Set when the target was made: it lacked everything then.
        writing.execute(meta.delete().where(meta.c.key == UNREAD_LOGS))
        target.number_on(writing)
    found = _hashed(source)
    _require_same(found, _hashed(target))
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


def require_empty(target: StateDatabase, locks: Locks) -> None:
    """Raise InUse if a state has runs, writes or triggers, or a process works with it: it would lose its users."""
    with target.reading() as connection:
        _require_empty(connection)
        known = list(connection.execute(select(owners.c.owner)).scalars())
    if living := [owner for owner in known if locks.is_held(owner)]:
        raise InUse(f"Processes work with the other state: {', '.join(living)}.", remedy="Stop them, then copy.")


def _require_empty(connection: Connection) -> None:
    for table in (runs, metadata.tables["effects"], metadata.tables["triggers"]):
        if connection.execute(select(func.count()).select_from(table)).scalar_one():
            remedy = _MOVE_AWAY if connection.dialect.name == "sqlite" else _NAME_ANOTHER
            raise InUse(f"The other state is not empty: it has {table.name}.", remedy=remedy)


def _pieces(database: StateDatabase, table: Table) -> Iterator[list[dict[str, Any]]]:
    statement = select(table).order_by(*table.primary_key)
    with database.reading() as connection, _with_damaged_texts(connection):
        result = connection.execute(_facts(statement) if table is meta else statement)
        for rows in result.mappings().partitions(_AT_ONCE):
            yield [dict(row) for row in rows]


@contextmanager
def _with_damaged_texts(connection: Connection) -> Iterator[None]:
    """Read texts that are not UTF-8 with escapes, so that their rows can be named."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        yield
        return
    driver.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = str


def _require_whole(table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Raise StorageError for a value that the column cannot have in every database."""
    for row in rows:
        for column in table.columns:
            if said := _fault(column, row[column.name]):
                raise _refusal(table, row, f"{table.name}.{column.name} {said}")


def _fault(column: Column[Any], value: Any) -> str:
    words, kinds = _KINDS[column.type.python_type]
    if value is None:
        return ""
    if not isinstance(value, kinds):
        return f"is {_short(value)}, which is not {words}"
    if isinstance(value, str) and "\0" in value:
        return f"is {_short(value)}, with the character U+0000, which PostgreSQL cannot keep"
    if isinstance(value, str) and value.encode("utf-8", "replace").decode() != value:
        return f"is {_short(value)}, which is not UTF-8"
    return ""


def _insert(writing: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows. Raises StorageError that names the first one that the other database refuses."""
    writing.exec_driver_sql("SAVEPOINT piece")  # or an error would end the whole transaction, on PostgreSQL
    try:
        writing.execute(table.insert(), rows)
    except DBAPIError as error:
        is_of_limits = str(getattr(error.orig, "sqlstate", "")).startswith(_OF_LIMITS)
        if not isinstance(error, IntegrityError | DataError) and not is_of_limits:
            raise
        writing.exec_driver_sql("ROLLBACK TO SAVEPOINT piece")
        if len(rows) == 1:
            said = str(error.orig).splitlines()[0].rstrip(".")
            raise _refusal(table, rows[0], f"the other database says of {table.name}: {said}") from error
        for row in rows:
            _insert(writing, table, [row])
    writing.exec_driver_sql("RELEASE SAVEPOINT piece")


def _refusal(table: Table, row: Mapping[str, Any], said: str) -> StorageError:
    key = ", ".join(f"{column.name} {_short(row[column.name])}" for column in table.primary_key)
    return StorageError(
        f"The state cannot be copied: in the row with {key}, {said}.",
        remedy="Mend or delete that row, then copy again: the other state is left empty.",
    )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _hashed(database: StateDatabase) -> dict[str, _Content]:
    """Return what each table has, by its name."""
    found = {}
    for table in _tables():
        digest, count = hashlib.sha256(), 0
        for rows in _pieces(database, table):
            for row in rows:
                count += 1
                digest.update(repr([table.name, *row.values()]).encode())
        found[table.name] = _Content(count, digest.hexdigest())
    return found
