"""The state of a workspace as a test sees it: in its file, or in a schema of its own (`TEST_STATE=postgres`)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from engine.store.postgres.connection import key_of, translated
from tests import postgres

IS_ON_POSTGRES = os.environ.get("TEST_STATE") == "postgres"
_FILE = """
    CREATE TABLE IF NOT EXISTS {table} (place INTEGER PRIMARY KEY AUTOINCREMENT, {columns});
    CREATE TRIGGER IF NOT EXISTS {table}_keep AFTER INSERT ON {of}
        BEGIN INSERT INTO {table} ({names}) VALUES ({values}); END;
"""
_SERVER = """
    CREATE TABLE IF NOT EXISTS {table} (place BIGSERIAL PRIMARY KEY, {columns});
    CREATE INDEX IF NOT EXISTS {table}_by_first ON {table} ({first});
    CREATE OR REPLACE FUNCTION {table}_keep() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO {table} ({names}) VALUES ({values}); RETURN NEW; END $$;
    CREATE OR REPLACE TRIGGER {table}_keep AFTER INSERT ON {of} FOR EACH ROW EXECUTE FUNCTION {table}_keep();
"""


class State:
    """Reads the state of a workspace, and keeps what the engine deletes, in a table beside its own."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "state.db"
        self._stack = ExitStack()
        self.url = self._stack.enter_context(postgres.schema()) if IS_ON_POSTGRES else ""

    @property
    def settings(self) -> str:
        """What config.yaml says about it; a line, or nothing."""
        return f"state: '{self.url}'\n" if self.url else ""

    def close(self) -> None:
        """Drop the schema."""
        self._stack.close()

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask it."""
        if self.url:
            with self._server() as server:
                return server.execute(translated(statement), values).fetchall()
        with closing(sqlite3.connect(f"file:{self.file}?mode=ro", timeout=30, uri=True)) as file, file:
            return file.execute(statement, values).fetchall()

    def count(self, of: str) -> int:
        """Return how many rows there are; 0 while the state is being made."""
        try:
            return int(self.query(f"SELECT count(*) FROM {of}")[0][0])
        except (sqlite3.OperationalError, psycopg.errors.UndefinedTable):
            return 0

    def execute(self, script: str) -> None:
        """Change it."""
        if self.url:
            with self._server() as server:
                server.execute(script)
            return
        with closing(sqlite3.connect(self.file, timeout=30)) as file:
            file.executescript(script)

    def can_be_written(self) -> bool:
        """Return whether no process is in the middle of a transaction that writes."""
        if self.url:
            with self._server() as server:
                key = key_of(f"ai-orchestra {self.url.partition('search_path%3D')[2]}")
                return server.execute("SELECT pg_try_advisory_lock(%s, 0)", (key,)).fetchone() == (True,)
        with closing(sqlite3.connect(self.file, timeout=0.5, isolation_level=None)) as file:
            try:
                file.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
            return True

    def keep(self, table: str, of: str, **columns: str) -> None:
        """Keep a row for each one that is inserted into a table; `columns` says what: "NEW.run_id" or "/trigger/item".

        The second form is a place in the JSON of NEW.acceptance.
        """
        values = {
            name: _in_acceptance(what, self.url) if what.startswith("/") else what for name, what in columns.items()
        }
        script = (_SERVER if self.url else _FILE).format(
            table=table,
            of=of,
            columns=", ".join(f"{name} {'BIGINT' if name in ('n', 'number') else 'TEXT'}" for name in columns),
            names=", ".join(columns),
            values=", ".join(values.values()),
            first=next(iter(columns)),
        )
        self.execute(script)

    @contextmanager
    def _server(self) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as server:
            yield server


def _in_acceptance(place: str, url: str) -> str:
    names = place.strip("/").split("/")
    if not url:
        return f"json_extract(NEW.acceptance, '$.{'.'.join(names)}')"
    text = f"NEW.acceptance::json #>> '{{{','.join(names)}}}'"
    return f"({text})::bigint" if names[-1] == "n" else text
