"""Keep what triggers have seen when the state file is rebuilt, or a run of their workflow processes it."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

from engine.store.held import SeenItem
from engine.store.journal import RunEnd
from engine.store.sqlite.file.tables import trigger_items, triggers

if TYPE_CHECKING:
    from sqlalchemy import Connection

LOST = "The state was rebuilt from the logs: turn it on again, and say from where on things count as new."


def restore_seen(connection: Connection, one: SeenItem) -> None:
    """Restore that an item has started a run, unless it is known; its trigger comes back turned off."""
    of, at = one.trigger, one.queued_at
    key = {"workflow": one.workflow, "trigger": of["id"], "account": of["account"], "source": of["source"]}
    seen = {"item": of["item"], "state": "started", "run_id": one.run_id, "title": of["title"]}
    off = {"uses": one.uses, "is_on": 0, "demo": int(one.demo), "start": "{}", "turned_on_by": "", "note": LOST}
    known = trigger_items.insert().prefix_with("OR IGNORE")
    connection.execute(known.values(**key, **seen, seen_at=at, note=""))
    connection.execute(triggers.insert().prefix_with("OR IGNORE").values(**key, **off, turned_on_at=at))


_DEAD = """
    UPDATE trigger_items SET state = 'dismissed', note = ?
    WHERE workflow = ? AND item IN (SELECT value FROM json_each(?)) AND state = 'dead'
"""
_FAILED = """
    UPDATE trigger_items SET state = 'dismissed', note = ?
    WHERE workflow = ? AND item IN (SELECT value FROM json_each(?)) AND state = 'started'
    AND EXISTS (SELECT 1 FROM runs WHERE run_id = trigger_items.run_id AND status = 'failed' AND demo = ?)
"""


def made_good(cursor: sqlite3.Cursor, end: RunEnd) -> None:
    """Remove items from the list of those that need attention, because a run of their workflow has processed them.

    An item is identified by the key of the loop item. Call this in the transaction that ends the run.
    """
    if end.made_good:
        values = (f"done by {end.run_id}", end.workflow_id, json.dumps(end.made_good))
        cursor.execute(_DEAD, values)
        cursor.execute(_FAILED, (*values, int(end.demo)))
