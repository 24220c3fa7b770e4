"""How far each account has used its pace, for all processes that keep to it together.

A pace is a small text, whose form belongs to the service. A change is made while nobody else makes one. Losing a pace
costs no more than a few requests too early, so none of this needs to be on disk.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

T = TypeVar("T")
Change = Callable[[str], tuple[str, T]]
"""Gets the present pace, "" at first; returns the new pace, and a result."""
_LOCK_SECONDS = 5.0


class Paces(Protocol):
    """The paces of accounts; any thread. Nothing here fails: what cannot be shared is kept for this process."""

    def get(self, account: str) -> str:
        """Return the pace of an account; "" without one. It may be a moment old."""

    def change(self, account: str, change: Change[T], *, is_hold: bool = False) -> T:
        """Change the pace of an account; return the result. What `change` raises is raised, and nothing changed.

        `is_hold`: the service has asked to be left alone; this must not be forgotten with a cache.
        """


def account_of(service: str, token: str) -> str:
    """Return a name for an account that does not give away its token."""
    return f"{service}:{hashlib.sha256(f'{service} pace {token}'.encode()).hexdigest()[:16]}"


class OwnPaces:
    """Paces of this process."""

    def __init__(self) -> None:
        self._paces: dict[str, str] = {}
        self._lock = threading.Lock()

    def get(self, account: str) -> str:
        """Return the pace of an account."""
        return self._paces.get(account, "")

    def change(self, account: str, change: Change[T], *, is_hold: bool = False) -> T:
        """Change the pace of an account."""
        with self._lock:
            self._paces[account], result = change(self._paces.get(account, ""))
            return result


class FilePaces:
    """Paces in a file, for the processes of one machine; if it cannot be used, for this process."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._own: OwnPaces | None = None
        self._lock = threading.Lock()

    def get(self, account: str) -> str:
        """Return the pace of an account."""
        return self.change(account, lambda pace: (pace, pace))

    def change(self, account: str, change: Change[T], *, is_hold: bool = False) -> T:
        """Change the pace of an account."""
        with self._lock:
            if self._own is None:
                try:
                    connection = self._begun()
                except (sqlite3.Error, OSError):
                    self._own = OwnPaces()
                else:
                    with _ended(connection):
                        return _changed(connection, account, change)
        return self._own.change(account, change)

    def _begun(self) -> sqlite3.Connection:
        """Return a connection whose transaction nobody else is in. Raises sqlite3.Error, OSError."""
        os.close(os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600))  # owner-only, regardless of the umask
        connection = sqlite3.connect(self._file, timeout=_LOCK_SECONDS, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous=OFF")  # losing it in a crash does no harm
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("CREATE TABLE IF NOT EXISTS paces (account TEXT PRIMARY KEY, pace TEXT)")
        except sqlite3.Error:
            connection.close()
            raise
        return connection


@contextmanager
def _ended(connection: sqlite3.Connection) -> Iterator[None]:
    """End the transaction of a connection, and close it."""
    try:
        with connection:
            yield
    finally:
        connection.close()


def _changed(connection: sqlite3.Connection, account: str, change: Change[T]) -> T:
    row = connection.execute("SELECT pace FROM paces WHERE account = ?", (account,)).fetchone()
    before = row[0] if row else ""
    after, result = change(before)
    if after != before:
        connection.execute("INSERT OR REPLACE INTO paces VALUES (?, ?)", (account, after))
    return result
