"""The audit trail: who changed what, when; lines are only ever added."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine.clock import Clock
from engine.names import moment_of, timestamp
from engine.people.access import Principal
from engine.store.database import Database
from engine.store.tables import audit

if TYPE_CHECKING:
    from sqlalchemy import Insert

_LONGEST = 2_000  # characters of one detail: a line says what was done, not all that was in it


@dataclass(frozen=True)
class AuditLine:
    """One thing that somebody did."""

    number: int
    at: datetime
    principal: str
    action: str
    target: str
    detail: str


class Audit:
    """Writes and reads the trail of one workspace."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def record(
        self, principal: Principal | str, action: str, target: str, detail: str | Mapping[str, Any] = ""
    ) -> None:
        """Add one line; it is on disk when this returns.

        `action` is `things.verb` (`workflows.save`), `target` the thing's name, `detail` text or JSON values
        without secrets.
        """
        with self._database.writing() as connection:
            connection.execute(self.line(principal, action, target, detail))

    def line(
        self, principal: Principal | str, action: str, target: str, detail: str | Mapping[str, Any] = ""
    ) -> Insert:
        """Return the statement that adds one line, for a transaction that also makes the change itself."""
        return audit.insert().values(self.row(principal, action, target, detail))

    def row(
        self, principal: Principal | str, action: str, target: str, detail: str | Mapping[str, Any] = ""
    ) -> dict[str, Any]:
        """Return one line as a row of the table."""
        text = detail if isinstance(detail, str) else json.dumps(detail, ensure_ascii=False, default=str)
        return {
            "at": timestamp(self._clock()),
            "principal": principal if isinstance(principal, str) else principal.id,
            "action": action,
            "target": target,
            "detail": text[:_LONGEST].encode("utf-8", "replace").decode(),  # half a surrogate pair cannot be stored
        }

    def latest(self, limit: int = 100) -> list[AuditLine]:
        """Return up to `limit` lines, newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(audit.select().order_by(audit.c.number.desc()).limit(limit)).all()
        return [_line(row) for row in rows]


def _line(row: Any) -> AuditLine:
    return AuditLine(row.number, moment_of(row.at), row.principal, row.action, row.target, row.detail)
