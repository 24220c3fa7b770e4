"""What the demo accounts left in state.db."""

from __future__ import annotations

from sqlalchemy import select

from engine.store.database import Database
from engine.store.tables import approvals, effects, events, runs, trigger_items, triggers, troubles


def demo_run_ids(database: Database, *, only_open: bool) -> list[str]:
    """Return the ids of demo runs, all or those that have not ended."""
    statement = runs.select().where(runs.c.demo == 1)
    if only_open:
        statement = statement.where(runs.c.ended_at.is_(None))
    with database.reading() as connection:
        return [row.run_id for row in connection.execute(statement)]


def forget_demo_triggers(database: Database) -> None:
    """Remove the cursors of demo accounts: a look that is under way there stores nothing more."""
    with database.writing() as connection:
        connection.execute(triggers.delete().where(triggers.c.demo == 1))


def forget_demo(database: Database) -> list[str]:
    """Remove demo runs, the receipts of demo accounts, and what was seen there; return the ids of the runs."""
    with database.writing() as connection:
        demo = select(runs.c.run_id).where(runs.c.demo == 1)
        found = list(connection.execute(demo).scalars())
        connection.execute(events.delete().where(events.c.run_id.in_(demo)))
        connection.execute(approvals.delete().where(approvals.c.run_id.in_(demo)))
        connection.execute(runs.delete().where(runs.c.demo == 1))
        connection.execute(effects.delete().where(effects.c.account.like("demo-%")))
        connection.execute(trigger_items.delete().where(trigger_items.c.account.like("demo-%")))
        connection.execute(troubles.delete().where(troubles.c.mode == "demo"))
    return found
