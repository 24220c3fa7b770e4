"""The audit trail for owners: filtered, page by page, and exported as CSV."""

from __future__ import annotations

from msgspec.structs import replace

from engine.base.clock import timestamp
from engine.base.errors import InvalidInput
from engine.documents.csv_text import csv_text
from engine.people.access import Principal
from engine.people.operation import operation
from engine.store.people.audit import AuditLine, TrailFilter
from engine.store.reports import Reports

LONGEST_PAGE = 1_000
MOST_EXPORTED = 100_000
_COLUMNS = ("number", "at", "who", "action", "target", "detail")


class AuditTrail:
    """The `trail` area: only owners may read it, and nobody can change it."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports

    @operation("audit.list", "admin", "see the audit trail", "Read the audit trail")
    def lines(self, p: Principal, which: TrailFilter | None = None) -> list[AuditLine]:
        """Return the matching lines, newest first. Raises NotAllowed, InvalidInput."""
        wanted = which or TrailFilter()
        if not 1 <= wanted.limit <= LONGEST_PAGE:
            raise InvalidInput(f"{wanted.limit} lines are not a page.", remedy=f"Ask for 1 to {LONGEST_PAGE}.")
        return self._reports.found(wanted)

    @operation("audit.names", "admin", "see the audit trail", "List the users and operations in the audit trail")
    def names(self, p: Principal) -> tuple[list[str], list[str]]:
        """Return the principals and the actions that occur in the trail, each sorted. Raises NotAllowed."""
        return self._reports.names()

    @operation("audit.csv", "admin", "see the audit trail", "Export the audit trail as CSV")
    def csv(self, p: Principal, which: TrailFilter | None = None) -> str:
        """Return the newest 100,000 matching lines as CSV (RFC 4180), without formulas. Raises NotAllowed."""
        found = self._reports.found(replace(which or TrailFilter(), limit=MOST_EXPORTED))
        return csv_text(
            _COLUMNS,
            ((one.number, timestamp(one.at), one.principal, one.action, one.target, one.detail) for one in found),
        )
