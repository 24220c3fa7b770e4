"""Rows of `state.db` that belong to demo accounts."""

from __future__ import annotations

from sqlalchemy import select

from engine.base.statuses import AccountMode
from engine.store.sql.base.database import StateDatabase
from engine.store.sql.base.tables import approvals, effects, events, runs, trigger_items, triggers, troubles


class SqlDemoData:
    """Finds and removes rows of demo accounts."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def run_ids(self, *, only_open: bool) -> list[str]:
        """Return the ids of demo runs: all of them, or only those that have not ended."""
        statement = runs.select().where(runs.c.demo == 1)
        if only_open:
            statement = statement.where(runs.c.ended_at.is_(None))
        with self._database.reading() as connection:
            return [row.run_id for row in connection.execute(statement)]

    def writers(self) -> set[str]:
        """Return the ids of runs that have written to demo accounts, including runs whose logs were removed."""
        demo = select(runs.c.run_id).where(runs.c.demo == 1)
        wrote = select(effects.c.run_id).where(effects.c.account.like("demo-%"))
        with self._database.reading() as connection:
            return {*connection.execute(demo).scalars(), *connection.execute(wrote).scalars()}

    def forget_triggers(self) -> None:
        """Remove the cursors of demo accounts; a poll in progress there stores nothing more."""
        with self._database.writing() as connection:
            connection.execute(triggers.delete().where(triggers.c.demo == 1))

    def forget(self) -> list[str]:
        """Remove demo runs, receipts of demo accounts and the items seen there; return the ids of the runs."""
        with self._database.writing() as connection:
            demo = select(runs.c.run_id).where(runs.c.demo == 1)
            found = list(connection.execute(demo).scalars())
            connection.execute(events.delete().where(events.c.run_id.in_(demo)))
            connection.execute(approvals.delete().where(approvals.c.run_id.in_(demo)))
            connection.execute(runs.delete().where(runs.c.demo == 1))
            connection.execute(effects.delete().where(effects.c.account.like("demo-%")))
            connection.execute(trigger_items.delete().where(trigger_items.c.account.like("demo-%")))
            connection.execute(troubles.delete().where(troubles.c.mode == AccountMode.DEMO))
        return found
