"""A table of an SQLite file, for the contract suite."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from clients.errors import NotFound
from clients.sql.client import SqlClient
from clients.sql.service import SqlSettings
from engine.plugins.step import JsonValue
from tests.engine.triggers.looking import NOW
from tests.engine.triggers.worlds import Scene, World


class _Failing(SqlClient):
    """A database whose file is gone for one call."""

    fails = False

    def select(self, selection: Any) -> Any:
        """Read it, unless it is gone."""
        if self.fails:
            self.fails = False
            raise NotFound("There is no file.", service="sql")
        return super().select(selection)


def changed(path: Path, statement: str, *values: JsonValue) -> list[Any]:
    """Run a statement as another program would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(statement, values).fetchall()


def _new_row(scene: Scene) -> World:
    path = scene.folder / "shop.db"
    changed(path, "CREATE TABLE orders (id INTEGER PRIMARY KEY, at TEXT, text TEXT)")
    client = _Failing(SqlSettings.model_validate({"url": "sqlite:///shop.db"}), scene.folder, None)

    def happen(number: int) -> None:
        at = (NOW + timedelta(minutes=number)).isoformat()
        changed(path, "INSERT INTO orders (at, text) VALUES (?, ?)", at, f"Order {number}")

    return World(
        fields={"table": "orders", "column": "orders.at", "key": "id"},
        happen=happen,
        shown=lambda: changed(path, "SELECT * FROM orders"),
        client=client,
        fail=lambda: setattr(client, "fails", True),
        fails_with=NotFound,
        now=lambda number: NOW + timedelta(minutes=number),
    )


WORLDS = {"sql.new_row": _new_row}
