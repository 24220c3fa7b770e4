"""A run that is being cancelled: the writes that are still on their way, and how long they can take."""

from __future__ import annotations

import json

from engine.errors import OrchestraError
from engine.registry import step_type
from engine.runs.definitions import steps_of, without_indexes
from engine.store.run_rows import InFlight, RunRows

_GRACE_SECONDS = 10.0
"""For what comes after the last write: its receipt, the log, and the time until another process looks."""


def sentence(rows: RunRows, run_id: str) -> str:
    """Return what a run that is being cancelled waits for."""
    count = len(rows.in_flight(run_id))
    if count == 0:
        return "Cancelling."
    return "Cancelling: one write is ending." if count == 1 else f"Cancelling: {count} writes are ending."


def longest_seconds(rows: RunRows, run_id: str) -> float:
    """Return after how long a run has certainly ended that is cancelled now: the writes in flight have deadlines."""
    return _GRACE_SECONDS + max((_timeout_seconds(rows, one) for one in rows.in_flight(run_id)), default=0.0)


def _timeout_seconds(rows: RunRows, write: InFlight) -> float:
    row = rows.get(write.run_id)
    definition = json.loads(row.acceptance)["definition"] if row is not None and row.acceptance else {}
    step = steps_of(definition.get("workflow") or {}).get(without_indexes(write.path)) or {}
    own = step.get("timeout_seconds")
    try:
        return float(own) if own is not None else step_type(write.uses).timeout_seconds
    except OrchestraError:  # a step type of another release
        return 0.0
