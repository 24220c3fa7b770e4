"""The port of a database: what the statements of this store ask of SQLite or PostgreSQL.

Statements are written in the SQL that both know, with `?` or `:name` for parameters. One transaction writes at a time,
in all processes: what a transaction has read cannot change until it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from engine.store.broadcasts import Broadcast
from engine.store.locks import Locks
from engine.store.texts.texts import TextStore

if TYPE_CHECKING:
    from sqlalchemy import Connection

Result = TypeVar("Result")
Parameters = Sequence[Any] | Mapping[str, Any]
Question = tuple[str, tuple[Any, ...]]
"""A query and its parameters."""


class Cursor(Protocol):
    """A driver cursor (https://peps.python.org/pep-0249/#cursor-objects)."""

    @property
    def rowcount(self) -> int:
        """How many rows the last statement changed."""

    def execute(self, statement: str, parameters: Parameters = ..., /) -> Self:
        """Run a statement."""

    def executemany(self, statement: str, parameters: Iterable[Parameters], /) -> Self:
        """Run a statement once for each of the parameters."""

    def fetchone(self) -> Any:
        """Return the next row, or None."""

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""

    def __iter__(self) -> Iterator[Any]:
        """Yield the rows that are left."""


EventRow = tuple[str, int, str]
"""Run id, number and JSON text of an event."""


class NothingFound(Exception):
    """The condition of a transaction does not hold."""


class JournalConnection(Protocol):
    """The connection of a journal: its transactions, and short reads on the loop."""

    def read(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run one short query. Raises StorageError."""

    def commit(self, condition: Question, work: Callable[[Cursor], Result]) -> Result:
        """Run `work` in a transaction, which is on disk when this returns. Raises StorageError, and what `work` raises.

        If the question `condition` finds no row in that transaction, nothing is written. Raises NothingFound. `work` is
        repeated if the transaction did not take place because a connection was lost.
        """

    def add_events(self, cursor: Cursor, events: Sequence[EventRow]) -> None:
        """Insert events in the transaction of a cursor."""

    def hurry(self) -> None:
        """Repeat transactions for a few seconds at most from now on: the process is about to end."""

    def close(self) -> None:
        """Close the connection."""


class StateDatabase(Protocol):
    """A database with the tables of `engine/store/sql/base/tables.py`; any thread. Everything raises StorageError."""

    is_far: bool
    """Whether it is reached over a network: an event loop then goes on meanwhile."""

    is_read_only: bool
    """Whether it was opened to be read alone: a write raises StorageError."""

    @property
    def parts_failed(self) -> str:
        """Return the condition for runs that succeeded though parts failed; both have their own SQL for JSON."""

    @property
    def letters(self) -> str:
        """Return what follows a text in `lower(…)` for the letters of all alphabets: a COLLATE clause, or nothing."""

    @property
    def size_bytes(self) -> str:
        """Return what follows SELECT for the room that the whole database takes."""

    def require_in_place(self) -> None:
        """Raise StorageError if what is written now would never be found."""

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a connection for one short read."""

    def asking(self) -> AbstractContextManager[Cursor]:
        """Open a driver cursor for one short read that is made often: SQLAlchemy takes ten times as long."""

    def snapshot(self) -> AbstractContextManager[Cursor]:
        """Do the same for several reads that must agree with each other."""

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a transaction: on disk when its block ends, else rolled back."""

    def inserting(self) -> AbstractContextManager[Cursor]:
        """Do the same with a driver cursor, for the rows that every run writes."""

    def cursor_of(self, connection: Connection) -> Cursor:
        """Return a driver cursor in the transaction of a connection."""

    def journal(self) -> JournalConnection:
        """Return a connection for a journal."""

    def locks(self, folder: Path) -> Locks:
        """Return the locks of the processes that share the database; `folder` is for locks that are files."""

    def texts(self, folder: Path) -> TextStore:
        """Return the named texts beside the tables; `folder` is for texts that are files."""

    def broadcast(self) -> Broadcast | None:
        """Return the channel that reaches all processes; None if all of them are on one machine."""

    def announce_runs(self, cursor: Cursor, count: int = 1) -> None:
        """Announce `count` runs to the processes that wait for some, once the transaction of the cursor is on disk."""

    def wait_for_runs(self, seconds: float, *, takes: bool = True) -> bool:
        """Wait until runs are announced; at most `seconds`, perhaps shorter. Return whether they were.

        `takes`: whether this process would take one.
        """

    def number_on(self, connection: Connection) -> None:
        """Number new rows after those that the transaction of a connection has inserted with numbers of their own."""

    def lengthen(self) -> None:
        """Prepare for many commits."""

    def version(self) -> int:
        """Return a number that changes whenever any process writes."""

    def fact(self, key: str) -> str | None:
        """Return the value of a key in `meta`, if any; fast, since it is read before every run."""

    def has_fact(self, key: str) -> bool:
        """Return whether `meta` has a key."""

    def has_unread_logs(self) -> bool:
        """Return whether the database was made anew and does not know yet what is in the run logs."""

    def unread_since(self) -> int:
        """Return the number of the last write that the database itself recorded; later ones are only in the logs."""

    def unread_logs(self, since: int) -> None:
        """Record that the logs must be read: the database lacks everything after the write `since`."""

    def logs_are_read(self, connection: Connection) -> None:
        """Record that the logs have been read, in the transaction that stores what they contain."""

    def shrink(self) -> bool:
        """Give back space that is not needed; return False if something prevents it at the moment."""

    def close(self) -> None:
        """Close every connection."""
