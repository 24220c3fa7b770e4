"""The port of the audit trail, which is append-only: what is recorded, and what is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from msgspec import Struct


class AuditEntry(NamedTuple):
    """An action to record. `at` is RFC 3339 text in UTC; `detail` holds no secrets."""

    at: str
    principal: str
    action: str
    target: str
    detail: str


@dataclass(frozen=True)
class AuditLine:
    """One recorded action."""

    number: int
    at: datetime
    principal: str
    action: str
    target: str
    detail: str


class TrailFilter(Struct, frozen=True):
    """Which lines to return: `action` is one action (`users.add`) or all on one subject (`users`); times are aware.

    `before` is the number of the last line of the previous page.
    """

    who: str = ""
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    limit: int = 100


class AuditLog(Protocol):
    """Keeps the trail. Changes to other things take an `AuditEntry` and record it in their own transaction."""

    def add(self, entry: AuditEntry) -> None:
        """Record an action; it is on disk when this returns. Raises StorageError."""

    def found(self, which: TrailFilter) -> list[AuditLine]:
        """Return the matching lines, newest first."""

    def after(self, number: int, actions: Sequence[str], limit: int) -> list[AuditLine]:
        """Return the lines of these actions after the one with this number, the oldest first."""

    def last_number(self) -> int:
        """Return the number of the newest line, 0 without any."""

    def names(self) -> tuple[list[str], list[str]]:
        """Return the principals and the actions that occur in the trail, each sorted."""

    def last_times(self, actions: Sequence[str]) -> dict[str, datetime]:
        """Return when one of these actions was last done to each target."""
