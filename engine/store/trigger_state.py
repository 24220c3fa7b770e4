"""What triggers have seen outlives names and the state file: a workflow is renamed, the logs are read again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.store.tables import settings, trigger_items, triggers

if TYPE_CHECKING:
    from sqlalchemy import Connection

LOST = "The state was made anew from the logs: turn it on again, and say from where on things count as new."


def rename_workflow(connection: Connection, old: str, new: str) -> None:
    """Let cursors, seen things and the agreement to its accounts follow a workflow that has another name."""
    for table in (triggers, trigger_items):  # what a former workflow of that name left is nobody's
        connection.execute(table.delete().where(table.c.workflow == new))
        connection.execute(table.update().where(table.c.workflow == old).values(workflow=new))
    before, after = f"confirmed.{old}", f"confirmed.{new}"
    connection.execute(settings.delete().where(settings.c.key == after))
    connection.execute(settings.update().where(settings.c.key == before).values(key=after))


def restore_seen(connection: Connection, workflow: str, run: Mapping[str, Any], uses: str) -> None:
    """Put back that a thing has started a run, as far as nothing is known of it; its trigger comes back off.

    `workflow`: of the run, as it is called today.
    """
    trigger = run["trigger"]
    key = {"workflow": workflow, "trigger": trigger["id"], "account": trigger["account"], "source": trigger["source"]}
    seen = {"item": trigger["item"], "state": "started", "run_id": run["run_id"], "title": trigger["title"]}
    seen_at = run["queued_at"]
    off = {"uses": uses, "is_on": 0, "demo": int(run["demo"]), "start": "{}", "turned_on_by": "", "note": LOST}
    known = trigger_items.insert().prefix_with("OR IGNORE")
    connection.execute(known.values(**key, **seen, seen_at=seen_at, note=""))
    connection.execute(triggers.insert().prefix_with("OR IGNORE").values(**key, **off, turned_on_at=seen_at))
