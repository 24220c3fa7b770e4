"""The list of runs: a page of rows, each with its progress so far."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TypedDict

from msgspec import Struct

from engine.base.clock import Clock, timestamp
from engine.base.json_text import value_of
from engine.base.names import typed_moment
from engine.base.statuses import ACTIVE_RUNS, CANCELLABLE_RUNS, ListedStatus, RunStatus
from engine.record.document import document
from engine.record.events import decoded
from engine.record.summary import sentence
from engine.record.types.run import Counts, Run, RunKind
from engine.runs import cancelling
from engine.store.locks import Locks
from engine.store.owners import Owners, is_silent
from engine.store.runs import RunFilter, RunRecord, RunStore

_REST = 20
"""Summing up a run of thousands of items is slow: wait this many times as long before doing it again."""
_MOST_KEPT = 200
"""Runs under way whose progress is remembered between two requests."""


class RunRow(Struct, frozen=True):
    """One line of the list of runs; times are RFC 3339 text in UTC."""

    run_id: str
    workflow: str
    title: str
    status: RunStatus
    demo: bool
    started_by: str
    queued_at: str
    started_at: str | None
    ended_at: str | None
    duration_seconds: float | None
    sentence: str
    counts: Counts
    parent_run_id: str | None = None
    """The run that called it."""
    kind: RunKind = RunKind.RUN
    """A run of 0.1.0 that has ended is a run, a plan or a part."""
    is_test: bool = False
    """Whether its kind is a test."""
    environment: str = ""
    """The environment it runs in; empty if there are no environments."""


class RunPage(Struct, frozen=True):
    """A page of the list; `next`: pass it as `before` to get older runs, None at the end."""

    rows: list[RunRow]
    next: str | None


class _SoFar(Struct, frozen=True):
    """The progress of an open run up to an event."""

    status: RunStatus
    last_event: int
    good_until: float
    sentence: str
    counts: Counts


class WantedRuns(TypedDict, total=False):
    """Which runs to list; a filter that is absent or None matches any."""

    status: str | Sequence[str] | None
    """One status of ListedStatus, or several."""
    workflow: str | None
    """Its name now; runs from before it was renamed are listed, too."""
    workflow_id: str | None
    trigger: str | None
    """The id of the trigger that started them."""
    text: str | None
    """Text to find in id, workflow, title or sentence, or in the title or sender of the item that started it."""
    since: str | None
    """RFC 3339: accepted then or later."""
    until: str | None
    """RFC 3339: accepted before then."""
    demo: bool | None
    environment: str | None
    """Its name."""
    parent: str | None
    """The run that called them."""


def filter_of(wanted: WantedRuns) -> RunFilter:
    """Return the filter in the form that the rows take. Raises InvalidInput for an invalid time."""
    status, trigger = wanted.get("status"), wanted.get("trigger")
    statuses = (status,) if isinstance(status, str) else tuple(dict.fromkeys(status or ()))
    if ListedStatus.SUCCEEDED in statuses:
        statuses = tuple(one for one in statuses if one != ListedStatus.PARTS_FAILED)
    return RunFilter(
        statuses=statuses,
        workflow=wanted.get("workflow"),
        workflow_id=wanted.get("workflow_id"),
        started_by=None if trigger is None else f"trigger:{trigger}",
        parent=wanted.get("parent"),
        text=wanted.get("text"),
        since=_utc(wanted.get("since")),
        until=_utc(wanted.get("until")),
        demo=wanted.get("demo"),
        environment=wanted.get("environment"),
    )


def _utc(time: str | None) -> str | None:
    """Return a time in the form that rows store."""
    return None if time is None else timestamp(typed_moment(time))


class RunList:
    """Makes pages of the list from rows; for any thread."""

    def __init__(self, rows: RunStore, owners: Owners, owner: str, locks: Locks, clock: Clock) -> None:
        self._owners = owners
        self._rows, self._owner, self._locks, self._clock = rows, owner, locks, clock
        self._so_far: dict[str, _SoFar] = {}

    def page(self, rows: Sequence[RunRecord], limit: int) -> RunPage:
        """Return a page of at most `limit` rows; one row more than that shows that there is another page."""
        shown = [self._row(row) for row in rows[:limit]]
        return RunPage(shown, shown[-1].run_id if len(rows) > limit else None)

    def true_status(self, row: RunRecord) -> RunStatus:
        """Return the actual status: "running" becomes "interrupted" if the owner is dead or silent.

        A run without an owner is queued: the next worker with a free slot takes it. So is a run that waits for limits.
        """
        if row.status not in ACTIVE_RUNS:
            return RunStatus(row.status)
        if row.owner is None or (row.owner == self._owner and not row.is_at_work):
            return RunStatus.QUEUED
        if row.owner == self._owner:
            return RunStatus(row.status)
        owner = self._owners.get(row.owner)
        if owner is None:
            return RunStatus.INTERRUPTED
        if is_silent(self._locks, owner, self._clock()):
            return RunStatus.INTERRUPTED
        return RunStatus.RUNNING if row.is_at_work and row.status == RunStatus.RUNNING else RunStatus.QUEUED

    def _row(self, row: RunRecord) -> RunRow:
        status = self.true_status(row)
        happened, counts = self._happened(row, status)
        if row.cancel_requested and status in CANCELLABLE_RUNS:
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
            kind=row.run_kind,
            is_test=row.run_kind.is_test,
            environment=row.environment,
        )

    def _happened(self, row: RunRecord, status: RunStatus) -> tuple[str, Counts]:
        if row.ended_at is not None or (row.sentence and row.status in (RunStatus.WAITING, RunStatus.INTERRUPTED)):
            return row.sentence, value_of(row.counts)
        known = self._so_far.get(row.run_id)
        if known is None or known.status != status or not self._is_good(known, row.run_id):
            known = self._summed_up(row.run_id, status)
        return (known.sentence, known.counts) if known else (row.sentence, value_of(row.counts))

    def _is_good(self, known: _SoFar, run_id: str) -> bool:
        return time.monotonic() < known.good_until or self._rows.last_event(run_id) == known.last_event

    def _summed_up(self, run_id: str, status: RunStatus) -> _SoFar | None:
        began = time.monotonic()
        row, events = self._rows.with_events(run_id)
        if row is None or row.acceptance is None:  # it has just ended
            return None
        run: Run = {**document(value_of(row.acceptance), map(decoded, events)), "status": status}
        now = time.monotonic()
        found = _SoFar(status, len(events), now + _REST * (now - began), sentence(run), run["counts"])
        if len(self._so_far) >= _MOST_KEPT:
            self._so_far.clear()
        self._so_far[run_id] = found
        return found
