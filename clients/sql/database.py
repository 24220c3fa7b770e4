"""The interface of a database: one class for each dialect implements it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeAlias

from msgspec import Struct, field

from clients.check_line import CheckLine
from clients.sql.address import Dialect
from clients.sql.proven_statements import ProvenStatement

Value: TypeAlias = Any
"""A plain JSON value."""
ONCE = "orchestra_once"
"""The table in the target that has a row for each write that was made."""
TRANSIENT_SECONDS = 5
"""How long a statement waits for a lock of somebody else."""


@dataclass(frozen=True)
class Column:
    """A column of a result; `type` is the database's name for it, "" if it has none."""

    name: str
    type: str = ""


class Result(Struct, frozen=True):
    """The rows of a query while they are read: they end with the transaction."""

    columns: Sequence[Column]
    rows: Iterator[Sequence[Value]]


@dataclass(frozen=True)
class TableColumn:
    """A column of a table."""

    name: str
    type: str
    is_nullable: bool = True
    is_key: bool = False
    """Whether it is part of the primary key."""
    refers_to: str = ""
    """`table.column` that a foreign key names."""


@dataclass(frozen=True)
class SqlTable:
    """A table or view, with its columns in order."""

    name: str
    """With its schema, unless that is the usual one."""
    kind: str
    columns: Sequence[TableColumn] = ()


class WriteStatement(Struct, frozen=True):
    """A statement to execute once."""

    statement: str
    parameters: Mapping[str, Value]
    marker: str


class WriteResult(Struct, frozen=True):
    """The result of a write: the number of rows, and the rows that it returns."""

    affected: int
    rows: Sequence[Mapping[str, Value]] = field(default_factory=tuple)


class Database(ABC):
    """One database. Each operation opens a connection of its own, so that it leaves nothing for the next one."""

    dialect: Dialect

    @abstractmethod
    def read(
        self, reading: ProvenStatement, parameters: Mapping[str, Value], limit: int
    ) -> AbstractContextManager[Result]:
        """Run a query in a session that cannot write, for at most one row more than `limit`. Raises ServiceError.

        Rows are read while they are used: only a few are in memory.
        """

    @abstractmethod
    def execute(self, write: WriteStatement) -> WriteResult:
        """Execute a statement once: its marker is inserted first, in the same transaction. Raises ServiceError.

        If the marker is there already, the result of the earlier execution is returned.
        """

    @abstractmethod
    def found(self, marker: str) -> WriteResult | None:
        """Return the result of the write with this marker; None if it was not made. Raises ServiceError."""

    @abstractmethod
    def tables(self) -> Sequence[SqlTable]:
        """Return the tables and views that the account sees, without this program's own. Raises ServiceError."""

    @abstractmethod
    def rights(self) -> Sequence[CheckLine]:
        """Return what the account may do beyond reading, as lines of a check. Raises ServiceError."""
