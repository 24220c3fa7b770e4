"""What the demo accounts left in state.db."""

from __future__ import annotations

from sqlalchemy import select

from engine.store.database import Database
from engine.store.tables import approvals, effects, events, runs


def demo_run_ids(database: Database, *, only_open: bool) -> list[str]:
    """Return the ids of demo runs, all or those that have not ended."""
    statement = runs.select().where(runs.c.demo == 1)
    if only_open:
        statement = statement.where(runs.c.ended_at.is_(None))
    with database.reading() as connection:
        return [row.run_id for row in connection.execute(statement)]


def forget_demo(database: Database) -> list[str]:
    """Remove demo runs and the receipts of demo accounts; return the ids of the runs."""
    with database.writing() as connection:
        demo = select(runs.c.run_id).where(runs.c.demo == 1)
        found = list(connection.execute(demo).scalars())
        connection.execute(events.delete().where(events.c.run_id.in_(demo)))
        connection.execute(approvals.delete().where(approvals.c.run_id.in_(demo)))
        connection.execute(runs.delete().where(runs.c.demo == 1))
        connection.execute(effects.delete().where(effects.c.account.like("demo-%")))
    return found
