"""A run that is being cancelled: the writes still in flight, and how long they can take."""

from __future__ import annotations

import json

from engine.base.errors import OrchestraError
from engine.base.step_path import StepPath
from engine.plugins.registry import step_type
from engine.record.definitions import steps_of
from engine.store.runs import InFlight, RunStore

_GRACE_SECONDS = 10.0
"""Time for what follows the last write: its receipt, the log, and another process noticing."""


def sentence(rows: RunStore, run_id: str) -> str:
    """Return a sentence that says what a run that is being cancelled waits for."""
    count = len(rows.in_flight(run_id))
    if count == 0:
        return "Cancelling."
    return "Cancelling: one write is ending." if count == 1 else f"Cancelling: {count} writes are ending."


def longest_seconds(rows: RunStore, run_id: str) -> float:
    """Return the maximum number of seconds until a run cancelled now has ended: writes in flight have deadlines."""
    return _GRACE_SECONDS + max((_timeout_seconds(rows, one) for one in rows.in_flight(run_id)), default=0.0)


def _timeout_seconds(rows: RunStore, write: InFlight) -> float:
    row = rows.get(write.run_id)
    definition = json.loads(row.acceptance)["definition"] if row is not None and row.acceptance else {}
    step = steps_of(definition.get("workflow") or {}).get(StepPath.parse(write.path).in_workflow) or {}
    own = step.get("timeout_seconds")
    try:
        return float(own) if own is not None else step_type(write.uses).timeout_seconds
    except OrchestraError:  # a step type that this release does not have
        return 0.0
