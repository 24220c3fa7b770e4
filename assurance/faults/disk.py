"""A disk that fails: the n-th file operation, or the n-th word of SQLite's driver, is refused, once or from then on."""

from __future__ import annotations

import errno
import io
import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import pytest

from engine.files import group_sync

Fault = Literal["ENOSPC", "EROFS", "EIO", "EMFILE"]
FAULTS: tuple[Fault, ...] = ("ENOSPC", "EROFS", "EIO", "EMFILE")
_OF_SQLITE = {
    "ENOSPC": (sqlite3.SQLITE_FULL, "database or disk is full"),
    "EROFS": (sqlite3.SQLITE_READONLY, "attempt to write a readonly database"),
    "EIO": (sqlite3.SQLITE_IOERR, "disk I/O error"),
    "EMFILE": (sqlite3.SQLITE_CANTOPEN, "unable to open database file"),
}


@dataclass
class Disk:
    """Counts what is asked of the disk below `root`, and refuses number `fails_at` (0: nothing), or all from there on.

    Where `counts` names an operation, only those are counted: how many others come between them is a matter of time.
    """

    root: Path
    fault: Fault = "ENOSPC"
    fails_at: int = 0
    counts: str = ""
    is_lasting: bool = False
    asked: list[str] = field(default_factory=list)
    refused: int = 0
    _counted: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def heal(self) -> None:
        """Let everything succeed from now on."""
        self.fails_at = 0

    def ask(self, what: str) -> bool:
        """Count one operation; tell whether it must fail."""
        with self._lock:
            self.asked.append(what)
            is_counted = what == (self.counts or what)
            self._counted += is_counted
            is_at = is_counted and self._counted == self.fails_at
            fails = bool(self.fails_at) and (is_at or (self.is_lasting and self._counted >= self.fails_at))
            self.refused += fails
            return fails

    def error(self, path: object = None) -> OSError:
        """Return what the system says."""
        number = getattr(errno, self.fault)
        return OSError(number, os.strerror(number), None if path is None else str(path))

    def sqlite_error(self) -> sqlite3.OperationalError:
        """Return what SQLite says."""
        code, text = _OF_SQLITE[self.fault]
        error = sqlite3.OperationalError(text)
        error.sqlite_errorcode = code
        return error

    def is_below(self, path: object) -> bool:
        """Tell whether a path lies on this disk."""
        return isinstance(path, str | os.PathLike) and str(path).startswith(str(self.root))


@contextmanager
def failing(disk: Disk) -> Iterator[None]:
    """Put the disk under this process."""
    with pytest.MonkeyPatch.context() as patch:
        _below_files(disk, patch)
        _below_sqlite(disk, patch)
        yield


# --- files


def _below_files(disk: Disk, patch: pytest.MonkeyPatch) -> None:
    for name in ("open", "replace", "mkdir", "rename"):
        patch.setattr(os, name, _on_a_path(disk, name, getattr(os, name)))
    patch.setattr(io, "open", _on_opening(disk, io.open))  # what pathlib opens with
    patch.setattr(os, "fsync", _on_a_handle(disk, os.fsync))
    patch.setattr(group_sync, "_syncfs", _on_a_handle(disk, group_sync._syncfs, "syncfs"))
    patch.setattr(os, "write", _on_writing(disk, os.write))


def _on_a_path(disk: Disk, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def asked(path: Any, *given: Any, **named: Any) -> Any:
        if disk.is_below(path) and disk.ask(f"{name} {os.path.relpath(path, disk.root)}"):
            raise disk.error(path)
        return real(path, *given, **named)

    return asked


def _on_opening(disk: Disk, real: Callable[..., Any]) -> Callable[..., Any]:
    def asked(path: Any, mode: str = "r", *given: Any, **named: Any) -> Any:
        is_meant = disk.is_below(path) and (set("wax+") & set(mode) or disk.fault in ("EMFILE", "EIO"))
        if is_meant and disk.ask(f"open {mode} {os.path.relpath(path, disk.root)}"):
            raise disk.error(path)
        return real(path, mode, *given, **named)

    return asked


def _on_a_handle(disk: Disk, real: Callable[..., Any], name: str = "fsync") -> Callable[..., Any]:
    def asked(handle: int) -> None:
        if disk.ask(name):
            raise disk.error()
        real(handle)

    return asked


def _on_writing(disk: Disk, real: Callable[[int, Any], int]) -> Callable[[int, Any], int]:
    """A write may fail half way."""

    def asked(handle: int, data: Any) -> int:
        if stat.S_ISREG(os.fstat(handle).st_mode) and disk.ask("write"):
            real(handle, data[: len(data) // 2])
            raise disk.error()
        return real(handle, data)

    return asked


# --- SQLite


def _below_sqlite(disk: Disk, patch: pytest.MonkeyPatch) -> None:
    class Cursor(sqlite3.Cursor):
        def execute(self, statement: str, *given: Any) -> Self:
            _ask_sqlite(disk, self.connection, statement)
            return super().execute(statement, *given)

        def executemany(self, statement: str, rows: Any, /) -> Self:
            _ask_sqlite(disk, self.connection, statement)
            return super().executemany(statement, rows)

    class Connection(sqlite3.Connection):
        def cursor(self, factory: Any = Cursor) -> Any:
            return super().cursor(factory)

        def execute(self, statement: str, *given: Any) -> sqlite3.Cursor:
            cursor: sqlite3.Cursor = self.cursor().execute(statement, *given)
            return cursor

    real = sqlite3.connect

    def connect(database: Any, *given: Any, **named: Any) -> sqlite3.Connection:
        if disk.is_below(database) and disk.ask("sqlite: connect"):
            raise disk.sqlite_error()
        return real(database, *given, factory=Connection, **named)

    patch.setattr(sqlite3, "connect", connect)
    patch.setattr(sqlite3.dbapi2, "connect", connect)


def _ask_sqlite(disk: Disk, connection: sqlite3.Connection, statement: str) -> None:
    """Refuse as SQLite does: what fails for want of room or by a broken disk may have been rolled back already."""
    word = statement.split(None, 1)[0].upper()
    if word in ("ROLLBACK", "PRAGMA"):
        return
    if disk.ask(f"sqlite: {word}"):
        if disk.fault in ("ENOSPC", "EIO") and connection.in_transaction:
            sqlite3.Connection.rollback(connection)
        raise disk.sqlite_error()
