"""Keep what triggers have seen when the state file is rebuilt, or a run of their workflow processes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.store.held import SeenItem
from engine.store.journal import RunEnd
from engine.store.sql.base.database import Cursor
from engine.store.sql.base.tables import insertion_into, trigger_items, triggers

if TYPE_CHECKING:
    from sqlalchemy import Connection

LOST = "The state was rebuilt from the logs: turn it on again, and say from where on things count as new."


def restore_seen(connection: Connection, one: SeenItem) -> None:
    """Restore that an item has started a run, unless it is known; its trigger comes back turned off."""
    of, at = one.trigger, one.queued_at
    key = {"workflow": one.workflow, "trigger": of["id"], "account": of["account"], "source": of["source"]}
    seen = {"item": of["item"], "state": "started", "run_id": one.run_id, "title": of["title"]}
    off = {"uses": one.uses, "is_on": 0, "demo": int(one.demo), "start": "{}", "turned_on_by": "", "note": LOST}
    item = insertion_into(trigger_items, connection).values(**key, **seen, seen_at=at, note="")
    connection.execute(item.on_conflict_do_nothing())
    trigger = insertion_into(triggers, connection).values(**key, **off, turned_on_at=at)
    connection.execute(trigger.on_conflict_do_nothing())


_DEAD = """
    UPDATE trigger_items SET state = 'dismissed', note = ?
    WHERE workflow = ? AND item = ? AND state = 'dead'
"""
_FAILED = """
    UPDATE trigger_items SET state = 'dismissed', note = ?
    WHERE workflow = ? AND item = ? AND state = 'started'
    AND EXISTS (SELECT 1 FROM runs WHERE run_id = trigger_items.run_id AND status = 'failed' AND demo = ?)
"""


def made_good(cursor: Cursor, end: RunEnd) -> None:
    """Remove items from the list of what needs attention, because a run of their workflow has processed them.

    An item is identified by the key of the loop item. Call this in the transaction that ends the run.
    """
    values = [(f"done by {end.run_id}", end.workflow_id, item) for item in end.made_good]
    if values:
        cursor.executemany(_DEAD, values)
        cursor.executemany(_FAILED, [(*one, int(end.demo)) for one in values])
