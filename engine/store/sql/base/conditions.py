"""Conditions on runs that several statements share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func

from engine.store.sql.base.tables import runs

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

AT_WORK = "is_at_work = 1 AND ended_at IS NULL"
"""For the runs that count for the limits; one that was taken because it is due still has the status "waiting"."""
IS_BUSY = f"{AT_WORK} AND status IN ('queued', 'running') AND lane IS NULL"
"""For the runs among them that have begun, or are about to."""


def is_on_its_own() -> ColumnElement[bool]:
    """Select runs that no other run called. Deliberately, no index serves this: nearly all runs match."""
    return func.coalesce(runs.c.parent_run_id, "") == ""
