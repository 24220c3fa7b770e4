"""The list of runs: a page of rows, each with what has happened so far."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.clock import Clock
from engine.runs.document import document
from engine.runs.summary import sentence
from engine.store.owners import is_silent
from engine.store.run_rows import RunFilter, RunRows

_REST = 20
"""A run of thousands of items takes long to sum up: it is left alone for so many times as long as that took."""
_MOST_KEPT = 200


@dataclass(frozen=True)
class RunRow:
    """One line of the list of runs; times are RFC 3339 text in UTC."""

    run_id: str
    workflow: str
    title: str
    status: str
    demo: bool
    started_by: str
    queued_at: str
    started_at: str | None
    ended_at: str | None
    duration_seconds: float | None
    sentence: str
    counts: dict[str, int]


@dataclass(frozen=True)
class RunPage:
    """A page of the list; `next` is what to give as `before` for the older ones, None at the end."""

    rows: list[RunRow]
    next: str | None


@dataclass(frozen=True)
class _SoFar:
    """What an open run has done up to an event."""

    status: str
    last_event: int
    good_until: float
    sentence: str
    counts: dict[str, int]


class RunList:
    """Reads pages of the list; may be used from any thread."""

    def __init__(self, rows: RunRows, owner: str, owners_folder: Path, clock: Clock) -> None:
        self._rows, self._owner, self._owners_folder, self._clock = rows, owner, owners_folder, clock
        self._so_far: dict[str, _SoFar] = {}

    def page(self, wanted: RunFilter, before: str | None, limit: int) -> RunPage:
        """Return at most `limit` runs, newest first, older than run id `before`."""
        rows = self._rows.page(wanted, before, limit + 1)
        shown = [self._row(row) for row in rows[:limit]]
        return RunPage(shown, shown[-1].run_id if len(rows) > limit else None)

    def true_status(self, row: Any) -> str:
        """Return the status that can be believed: a dead or silent owner makes "running" "interrupted"."""
        if row.status not in ("queued", "running") or row.owner == self._owner:
            return str(row.status)
        owner = self._rows.owner(row.owner) if row.owner else None
        if owner is None:
            return "interrupted"
        silent = is_silent(self._owners_folder, owner, self._clock())
        return "interrupted" if silent else str(row.status)

    def _row(self, row: Any) -> RunRow:
        status = self.true_status(row)
        happened, counts = self._happened(row, status)
        return RunRow(
            run_id=row.run_id,
            workflow=row.workflow,
            title=row.title,
            status=status,
            demo=bool(row.demo),
            started_by=row.started_by,
            queued_at=row.queued_at,
            started_at=row.started_at,
            ended_at=row.ended_at,
            duration_seconds=row.duration_seconds,
            sentence=happened,
            counts=counts,
        )

    def _happened(self, row: Any, status: str) -> tuple[str, dict[str, int]]:
        if row.acceptance is None:
            return row.sentence, json.loads(row.counts)
        known = self._so_far.get(row.run_id)
        if known is None or known.status != status or not self._is_good(known, row.run_id):
            known = self._summed_up(row.run_id, status)
        return (known.sentence, known.counts) if known else (row.sentence, json.loads(row.counts))

    def _is_good(self, known: _SoFar, run_id: str) -> bool:
        return time.monotonic() < known.good_until or self._rows.last_event(run_id) == known.last_event

    def _summed_up(self, run_id: str, status: str) -> _SoFar | None:
        began = time.monotonic()
        row, events = self._rows.with_events(run_id)
        if row is None or row.acceptance is None:  # it has just ended
            return None
        run = {**document(json.loads(row.acceptance), events), "status": status}
        now = time.monotonic()
        found = _SoFar(status, len(events), now + _REST * (now - began), sentence(run), run["counts"])
        if len(self._so_far) >= _MOST_KEPT:
            self._so_far.clear()
        self._so_far[run_id] = found
        return found
