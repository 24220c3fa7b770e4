"""Keep what triggers have seen when the state file is rebuilt, or a run of their workflow processes it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.store.journal import RunEnd
from engine.store.sqlite.file.tables import trigger_items, triggers

if TYPE_CHECKING:
    from sqlalchemy import Connection

LOST = "The state was made anew from the logs: turn it on again, and say from where on things count as new."


def restore_seen(connection: Connection, workflow: str, run: Mapping[str, Any], uses: str) -> None:
    """Restore that an item has started a run, unless it is known; its trigger comes back turned off.

    `workflow` is the id of the run's workflow.
    """
    trigger = run["trigger"]
    key = {"workflow": workflow, "trigger": trigger["id"], "account": trigger["account"], "source": trigger["source"]}
    seen = {"item": trigger["item"], "state": "started", "run_id": run["run_id"], "title": trigger["title"]}
    seen_at = run["queued_at"]
    off = {"uses": uses, "is_on": 0, "demo": int(run["demo"]), "start": "{}", "turned_on_by": "", "note": LOST}
    known = trigger_items.insert().prefix_with("OR IGNORE")
    connection.execute(known.values(**key, **seen, seen_at=seen_at, note=""))
    connection.execute(triggers.insert().prefix_with("OR IGNORE").values(**key, **off, turned_on_at=seen_at))


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
