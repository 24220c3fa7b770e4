"""Record who changed what, and when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engine.base.clock import Clock, timestamp
from engine.people.access import Principal
from engine.store.people.audit import AuditEntry, AuditLine, AuditLog, TrailFilter

_LONGEST = 2_000  # characters of one detail, which sums up a change instead of repeating it


class Audit:
    """Writes the audit trail of one workspace; `log` reads it."""

    def __init__(self, log: AuditLog, clock: Clock) -> None:
        self.log = log
        self._clock = clock

    def record(
        self, principal: Principal | str, action: str, target: str, detail: str | Mapping[str, Any] = ""
    ) -> None:
        """Add a line; it is on disk when this returns.

        `action` is `things.verb` (`workflows.save`), `target` the object's name, `detail` text or JSON values without
        secrets.
        """
        self.log.add(self.entry(principal, action, target, detail))

    def entry(
        self, principal: Principal | str, action: str, target: str, detail: str | Mapping[str, Any] = ""
    ) -> AuditEntry:
        """Return a line for the transaction that makes the change itself."""
        text = detail if isinstance(detail, str) else json.dumps(detail, ensure_ascii=False, default=str)
        return AuditEntry(
            at=timestamp(self._clock()),
            principal=principal if isinstance(principal, str) else principal.id,
            action=action,
            target=target,
            detail=text[:_LONGEST].encode("utf-8", "replace").decode(),  # a lone surrogate cannot be stored
        )

    def latest(self, limit: int = 100) -> list[AuditLine]:
        """Return up to `limit` lines, newest first."""
        return self.log.found(TrailFilter(limit=limit))
