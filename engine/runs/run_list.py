"""The list of runs: a page of rows, each with what has happened so far."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from engine.clock import Clock
from engine.errors import InvalidInput
from engine.names import moment_of, timestamp
from engine.runs import cancelling
from engine.runs.document import document
from engine.runs.summary import sentence
from engine.store.owners import is_silent
from engine.store.run_rows import RunFilter, RunRows

_REST = 20
"""A run of thousands of items takes long to sum up: it is left alone for so many times as long as that took."""
_MOST_KEPT = 200
CANCELLED_LATER = frozenset({"queued", "running", "waiting"})
"""With one of these, a run that was told to end is still about to."""


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
    parent_run_id: str | None = None
    """The run that called it."""
    is_test: bool = False
    """Whether one step alone ran, or outputs were pinned."""


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


class Wanted(TypedDict, total=False):
    """Which runs to list; what is left out or None means any."""

    status: str | Sequence[str] | None
    """One, or several."""
    workflow: str | None
    trigger: str | None
    """The id of the trigger that started them."""
    text: str | None
    """What they say in id, workflow, title or sentence."""
    since: str | None
    """RFC 3339: accepted then or later."""
    until: str | None
    """RFC 3339: accepted before then."""
    demo: bool | None
    parent: str | None
    """The run that called them."""


def filter_of(wanted: Wanted) -> RunFilter:
    """Return the filter as the rows take it. Raises InvalidInput for a time that is none."""
    status, trigger = wanted.get("status"), wanted.get("trigger")
    return RunFilter(
        statuses=(status,) if isinstance(status, str) else tuple(dict.fromkeys(status or ())),
        workflow=wanted.get("workflow"),
        started_by=None if trigger is None else f"trigger:{trigger}",
        parent=wanted.get("parent"),
        text=wanted.get("text"),
        since=_utc(wanted.get("since")),
        until=_utc(wanted.get("until")),
        demo=wanted.get("demo"),
    )


def _utc(time: str | None) -> str | None:
    """Return a time as rows hold it."""
    if time is None:
        return None
    try:
        moment = moment_of(time)
    except ValueError:
        raise InvalidInput(f"{time!r} is no time.", remedy="Write one such as 2026-05-01T08:00:00Z.") from None
    if moment.tzinfo is None:
        raise InvalidInput(f"{time!r} does not say in which time zone.", remedy="Add Z (UTC) or an offset.")
    return timestamp(moment)


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
        if row.cancel_requested and status in CANCELLED_LATER:
            happened = cancelling.sentence(self._rows, row.run_id)
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
            parent_run_id=row.parent_run_id,
            is_test=bool(row.is_test),
        )

    def _happened(self, row: Any, status: str) -> tuple[str, dict[str, int]]:
        if row.ended_at is not None or (row.sentence and row.status in ("waiting", "interrupted")):
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
