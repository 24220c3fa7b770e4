"""Accounts that refuse access, in `state.db`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.store.sql.base.database import StateDatabase
from engine.store.sql.base.tables import troubles
from engine.store.triggering.account_notices import AccountNoticeRecord


class SqlAccountNotices:
    """Writes and reads the table `troubles`."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def all(self) -> list[AccountNoticeRecord]:
        """Return every refusal, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(troubles.select().order_by(troubles.c.since)).all()
        return [_record(row) for row in rows]

    def report(self, refusal: AccountNoticeRecord, holds: Callable[[AccountNoticeRecord], bool]) -> None:
        """Store a refusal, unless the same one still holds."""
        same = [troubles.c[name] == getattr(refusal, name) for name in ("connection", "mode", "workflow")]
        with self._database.writing() as connection:
            known = connection.execute(troubles.select().where(*same)).first()
            if known is None or not holds(_record(known)):
                connection.execute(troubles.delete().where(*same))
                connection.execute(troubles.insert().values(refusal._asdict()))

    def forget(self, connection: str, mode: str | None = None, workflow: str | None = None) -> None:
        """Remove the refusals of a connection."""
        wanted = {"connection": connection, "mode": mode, "workflow": workflow}
        which = [troubles.c[name] == value for name, value in wanted.items() if value is not None]
        with self._database.writing() as database:
            database.execute(troubles.delete().where(*which))


def _record(row: Any) -> AccountNoticeRecord:
    return AccountNoticeRecord(*row)
