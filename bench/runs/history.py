"""A history of many runs, written straight into the index as the engine would have done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from engine.base.clock import timestamp
from engine.base.names import new_run_id
from engine.orchestra import Orchestra
from engine.store.sql.base.tables import runs

_STATUSES = ("succeeded", "succeeded", "succeeded", "failed", "cancelled")
_WORKFLOWS = ("triage", "digest", "chain", "report")
_BATCH = 10_000


def fill(orchestra: Orchestra, count: int) -> None:
    """Add this many ended runs, the newest at this moment."""
    now = datetime.now(UTC)
    for first in range(0, count, _BATCH):
        rows = [_row(number, now - timedelta(seconds=number)) for number in range(first, min(first + _BATCH, count))]
        with orchestra._families.opened.database.writing() as connection:  # noqa: SLF001 - no public method creates runs that never ran
            connection.execute(runs.insert(), rows)


def _row(number: int, at: datetime) -> dict[str, Any]:
    workflow = _WORKFLOWS[number % len(_WORKFLOWS)]
    return {
        "run_id": new_run_id(at),
        "workflow": workflow,
        "workflow_id": workflow,
        "title": workflow.title(),
        "status": _STATUSES[number % len(_STATUSES)],
        "demo": number % 2,
        "started_by": "owner",
        "queued_at": timestamp(at),
        "started_at": timestamp(at),
        "ended_at": timestamp(at + timedelta(seconds=2)),
        "duration_seconds": 2.0,
        "sentence": "25 mails: 9 tasks, 6 issues, 9 only labelled, 1 failed.",
        "counts": '{"steps":76,"failed_steps":1,"items":25,"failed_items":1}',
        "cancel_requested": 0,
    }
