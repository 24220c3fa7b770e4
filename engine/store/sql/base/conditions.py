"""Conditions on runs that several statements share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func

from engine.store.sql.base.tables import runs

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement


def is_on_its_own() -> ColumnElement[bool]:
    """Select runs that no other run called. Deliberately, no index serves this: nearly all runs match."""
    return func.coalesce(runs.c.parent_run_id, "") == ""
