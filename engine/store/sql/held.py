"""The reason why writes are held, as it is stored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine.store.held import HeldWrites
from engine.store.sql.base.database import Cursor, StateDatabase
from engine.store.sql.base.tables import meta

if TYPE_CHECKING:
    from sqlalchemy import Connection

_HELD = "writes_held"
"""Key in `meta`."""
UNSURE = "unsure."
"""Prefix of keys in `meta`, before a workflow's id: {run id: since when} of runs whose log may lack some writes."""
WRITES = "writes"
"""Key in `meta` of the number of writes ever started; engine/store/write_list.py keeps it outside the database, too."""
HELD_ROW = "SELECT value FROM meta WHERE key = 'writes_held'"


def held_in(cursor: Cursor) -> HeldWrites | None:
    """Return why writes are held, if they are; for use in a journal transaction."""
    row = cursor.execute(HELD_ROW).fetchone()
    return None if row is None else held_from(row)


def held_from(row: tuple[Any, ...]) -> HeldWrites:
    """Return why writes are held, from a row of `HELD_ROW`."""
    return HeldWrites(**json.loads(row[0]))


def held_of(database: StateDatabase) -> HeldWrites | None:
    """Return why writes are held, or None if they are not."""
    text = database.fact(_HELD)
    return None if text is None else HeldWrites(**json.loads(text))


def put_held(connection: Connection, held: HeldWrites | None) -> None:
    """Hold writes for this reason; None releases them."""
    connection.execute(meta.delete().where(meta.c.key == _HELD))
    if held is not None:
        connection.execute(meta.insert().values(key=_HELD, value=held.as_json()))
