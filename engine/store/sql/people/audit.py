"""The audit trail in `state.db`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from engine.base.clock import moment_of, timestamp
from engine.base.names import in_utc
from engine.store.people.audit import AuditEntry, AuditLine, TrailFilter
from engine.store.sql.base.database import StateDatabase
from engine.store.sql.base.tables import audit

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection


class SqlAudit:
    """Writes and reads the table `audit`."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def add(self, entry: AuditEntry) -> None:
        """Record an action."""
        with self._database.writing() as connection:
            record(connection, entry)

    def found(self, which: TrailFilter) -> list[AuditLine]:
        """Return the matching lines, newest first."""
        wanted = audit.select().where(*_conditions(which)).order_by(audit.c.number.desc()).limit(which.limit)
        with self._database.reading() as connection:
            return [_line(row) for row in connection.execute(wanted)]

    def after(self, number: int, actions: Sequence[str], limit: int) -> list[AuditLine]:
        """Return the lines of these actions after the one with this number, the oldest first."""
        wanted = (audit.c.number > number) & audit.c.action.in_(actions)
        with self._database.reading() as connection:
            return [
                _line(row)
                for row in connection.execute(audit.select().where(wanted).order_by(audit.c.number).limit(limit))
            ]

    def last_number(self) -> int:
        """Return the number of the newest line, 0 without any."""
        with self._database.reading() as connection:
            return connection.execute(select(func.max(audit.c.number))).scalar() or 0

    def names(self) -> tuple[list[str], list[str]]:
        """Return the principals and the actions that occur, each sorted."""
        with self._database.reading() as connection:
            who = connection.execute(select(audit.c.principal).distinct().order_by(audit.c.principal))
            actions = connection.execute(select(audit.c.action).distinct().order_by(audit.c.action))
            return list(who.scalars()), list(actions.scalars())

    def last_times(self, actions: Sequence[str]) -> dict[str, datetime]:
        """Return when one of these actions was last done to each target."""
        latest = (
            select(audit.c.target, func.max(audit.c.at)).where(audit.c.action.in_(actions)).group_by(audit.c.target)
        )
        with self._database.reading() as connection:
            return {target: moment_of(at) for target, at in connection.execute(latest)}


def record(connection: Connection, entry: AuditEntry) -> None:
    """Record an action in the transaction that does it."""
    connection.execute(audit.insert().values(entry._asdict()))


def _conditions(which: TrailFilter) -> Iterator[ColumnElement[bool]]:
    if which.who:
        yield audit.c.principal == which.who
    if which.action:
        yield (audit.c.action == which.action) | audit.c.action.startswith(f"{which.action}.", autoescape=True)
    if which.since is not None:
        yield audit.c.at >= timestamp(in_utc(which.since))
    if which.until is not None:
        yield audit.c.at < timestamp(in_utc(which.until))
    if which.before is not None:
        yield audit.c.number < which.before


def _line(row: Any) -> AuditLine:
    return AuditLine(row.number, moment_of(row.at), row.principal, row.action, row.target, row.detail)
