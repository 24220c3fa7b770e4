"""Poll on demand: in the process that serves the workspace, or in this one if none does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.base.clock import Clock, moment_of, timestamp
from engine.store.triggering.triggered_runs import TriggeredRuns
from engine.store.triggering.triggers import SeenItems, TriggerRecord, TriggerStore
from engine.triggering.polling.status import PollResult, TriggerError
from engine.triggering.run_queue import RunStarter

if TYPE_CHECKING:
    from engine.triggering.polling.polling_loop import PollingLoop

_PATIENCE_SECONDS = 150.0  # more than a service may take to list its items (polling/poll.py)
_LOOK_SECONDS = 0.1
_NO_LOOK = TriggerError(
    "Timeout",
    "The process that serves this workspace did not look in time.",
    "It may be busy, or set to other accounts (Demo or Mine); `orchestra triggers status` shows its last poll.",
)


class PollBatch(Struct):
    """Polls each of the given triggers and waits for the results; any thread."""

    is_served: Callable[[], bool]
    """Tells whether a live process, perhaps this one, serves the workspace."""
    runs: TriggeredRuns
    items: SeenItems
    rows: TriggerStore
    polls: PollingLoop
    turns: RunStarter
    clock: Clock
    adopt: Callable[[], list[str]]
    """Adopts the runs of dead processes from now on; returns their ids."""
    wake: Callable[[], None]
    """Wakes the scheduler of this process; does nothing if it does not serve."""

    def polled(self, rows: Sequence[TriggerRecord]) -> list[PollResult]:
        """Return the result of polling each trigger. Raises StorageError, InUse."""
        if self.is_served():
            return self._asked(rows)
        adopted = self.adopt()  # they may be queued before the new runs, and no other process continues them
        found = [self.polls.poll(row) for row in rows]
        self.turns.begin()
        return [
            replace(one, resumed=self.runs.started_by(row.workflow, row.trigger, adopted))
            for row, one in zip(rows, found, strict=True)
        ]

    def _asked(self, rows: Sequence[TriggerRecord]) -> list[PollResult]:
        asked_at = self.clock()
        for row in rows:
            self.rows.ask(row.key, timestamp(asked_at))
        self.wake()
        ends_at = time.monotonic() + _PATIENCE_SECONDS
        return [self._answer(row, asked_at, ends_at) for row in rows]

    def _answer(self, row: TriggerRecord, asked_at: datetime, ends_at: float) -> PollResult:
        """Wait for a poll that began after the request, and return what it stored."""
        while time.monotonic() < ends_at:
            now = self.rows.get(row.key)
            if now is None or not now.is_on:
                return PollResult(self.polls.name(row), row.trigger)
            if now.looked_at is not None and moment_of(now.looked_at) >= _to_milliseconds(asked_at):
                return self._told(now, asked_at)
            time.sleep(_LOOK_SECONDS)
        return PollResult(self.polls.name(row), row.trigger, error=_NO_LOOK)

    def _told(self, row: TriggerRecord, asked_at: datetime) -> PollResult:
        seen = self.items.seen_since(row.key, timestamp(asked_at))
        return PollResult(
            workflow=self.polls.name(row),
            trigger=row.trigger,
            found=sum(one.state != "failing" for one in seen),
            started=[one.run_id for one in seen if one.run_id is not None],
            skipped=sum(one.state == "skipped" for one in seen),
            dead=sum(one.state == "dead" for one in seen),
            error=None if row.error is None else TriggerError(**json.loads(row.error)),
        )


def _to_milliseconds(moment: datetime) -> datetime:
    """Return a time with the precision that rows keep."""
    return moment_of(timestamp(moment))
