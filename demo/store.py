"""The stand-ins' storage: one SQLite file, written before they answer."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

SCHEMA = """
CREATE TABLE IF NOT EXISTS items (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, collection TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    UNIQUE (collection, key));
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""
_GENERATION = "SELECT value FROM meta WHERE name = 'generation'"


def read_generation(path: Path) -> int:
    """Return the generation of a store in use by another process, without writing to it."""
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
        row = connection.execute(_GENERATION).fetchone()
    return int(row[0]) if row else 0


class Store:
    """Collections of JSON objects by key, in insertion order.

    Safe for threads (one connection behind a lock) and for several processes (WAL): nothing is cached, so
    a reset by another process shows at once. Each change outside `transaction` is its own commit.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        # A stand-in that forgot an effect after a power cut would look like a step that lost it.
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.executescript(SCHEMA)

    def close(self) -> None:
        """Close the file; the store cannot be used afterwards."""
        with self._lock:
            self._connection.close()

    @property
    def generation(self) -> int:
        """Return how often the sample data has been created, 0 before the first time."""
        # Read each time, since another process may reset the data.
        row = self._row(_GENERATION)
        return int(row[0]) if row else 0

    def put(self, collection: str, key: str, value: dict[str, Any]) -> None:
        """Store `value` under `key`; an existing key keeps its position."""
        self._run(
            "INSERT INTO items (collection, key, value) VALUES (?, ?, ?) "
            "ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value",
            (collection, key, json.dumps(value, ensure_ascii=False)),
        )

    def get(self, collection: str, key: str) -> dict[str, Any] | None:
        """Return the object under `key`, or None."""
        row = self._row("SELECT value FROM items WHERE collection = ? AND key = ?", (collection, key))
        return json.loads(row[0]) if row else None

    def delete(self, collection: str, key: str) -> None:
        """Delete `key`, if present."""
        self._run("DELETE FROM items WHERE collection = ? AND key = ?", (collection, key))

    def all(self, collection: str) -> list[dict[str, Any]]:
        """Return all objects of a collection in insertion order."""
        sql = "SELECT value FROM items WHERE collection = ? ORDER BY seq"
        with self._lock:
            return [json.loads(value) for (value,) in self._connection.execute(sql, (collection,))]

    def next_number(self, name: str) -> int:
        """Return the next number (1, 2, ...) of a counter, unique between two resets."""
        row = self._row(
            "INSERT INTO counters (name, value) VALUES (?, 1) "
            "ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
            (name,),
        )
        assert row is not None
        return int(row[0])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Group changes: all are made or, if the body raises, none. Never await inside."""
        with self._lock:
            if self._depth == 0:
                # A transaction that begins with a read fails at once (SQLITE_BUSY) if another writes before it does.
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                if self._depth == 1:
                    self._connection.execute("ROLLBACK")
                raise
            else:
                if self._depth == 1:
                    self._connection.execute("COMMIT")
            finally:
                self._depth -= 1

    def reset(self, seed: Callable[[Store], None]) -> int:
        """Delete everything, create the sample data with `seed`, and return the new generation.

        Collections whose name begins with `_` describe the running process, not the data, and are kept.
        """
        with self.transaction():
            self._run("DELETE FROM items WHERE collection NOT LIKE '\\_%' ESCAPE '\\'")
            self._run("DELETE FROM counters")
            self._run(
                "INSERT INTO meta (name, value) VALUES ('generation', 1) "
                "ON CONFLICT (name) DO UPDATE SET value = value + 1"
            )
            seed(self)
            return self.generation

    def seed_once(self, seed: Callable[[Store], None]) -> int:
        """Create the sample data if that has never been done; return the generation."""
        with self.transaction():
            return self.generation or self.reset(seed)

    def _run(self, sql: str, values: tuple[object, ...] = ()) -> None:
        with self._lock:
            self._connection.execute(sql, values)

    def _row(self, sql: str, values: tuple[object, ...] = ()) -> tuple[Any, ...] | None:
        with self._lock:
            rows = self._connection.execute(sql, values).fetchall()
        return rows[0] if rows else None
