"""Looking now because somebody asks: the serving process does it, or this one where none serves."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from engine.clock import Clock
from engine.names import moment_of, timestamp
from engine.store.database import Database
from engine.store.owners import is_silent
from engine.store.tables import owners, runs, trigger_items
from engine.triggering.polls import Polls
from engine.triggering.rows import TriggerRows, key_of
from engine.triggering.status import PollResult, TriggerError
from engine.triggering.turns import Turns

if TYPE_CHECKING:
    from sqlalchemy import Row

_PATIENCE_SECONDS = 150.0
_LOOK_SECONDS = 0.1
_NO_LOOK = TriggerError(
    "Timeout",
    "The process that serves this workspace did not look in time.",
    "It may be busy, or set to other accounts (Demo or Mine); `orchestra triggers status` shows its last look.",
)


@dataclass
class Asking:
    """Answers for a look at each of some triggers; any thread."""

    database: Database
    owners: Path
    rows: TriggerRows
    polls: Polls
    turns: Turns
    clock: Clock
    adopt: Callable[[], list[str]]
    """Takes over the runs of dead processes, from now on; returns those that had one."""
    wake: Callable[[], None]
    """Lets the watch of this process see that something is due; does nothing where it does not serve."""

    def polled(self, rows: Sequence[Row[Any]]) -> list[PollResult]:
        """Return what a look at each gave. Raises StorageError, InUse."""
        if self._is_served():
            return self._asked(rows)
        adopted = self.adopt()  # they may stand before those that are found now, and nobody else goes on with them
        found = [self.polls.poll(row) for row in rows]
        self.turns.begin()
        return [replace(one, resumed=self._started_by(one, adopted)) for one in found]

    def _started_by(self, one: PollResult, run_ids: Sequence[str]) -> list[str]:
        """Return those runs that a trigger had started."""
        if not run_ids:
            return []
        of_it = (runs.c.workflow == one.workflow) & (runs.c.started_by == f"trigger:{one.trigger}")
        among = runs.c.run_id.between(min(run_ids), max(run_ids))  # they may be more than a statement may name
        with self.database.reading() as connection:
            found = connection.execute(select(runs.c.run_id).where(among & of_it)).scalars()
            return sorted(set(found) & set(run_ids))

    def _is_served(self) -> bool:
        """Tell whether a process that lives and answers serves this workspace; it may be this one."""
        with self.database.reading() as connection:
            servers = connection.execute(owners.select().where(owners.c.kind == "serve")).all()
        return any(not is_silent(self.owners, row, self.clock()) for row in servers)

    def _asked(self, rows: Sequence[Row[Any]]) -> list[PollResult]:
        asked_at = self.clock()
        for row in rows:
            self.rows.ask(key_of(row), asked_at)
        self.wake()
        ends_at = time.monotonic() + _PATIENCE_SECONDS
        return [self._answer(row, asked_at, ends_at) for row in rows]

    def _answer(self, row: Row[Any], asked_at: datetime, ends_at: float) -> PollResult:
        """Wait for a look that began after it was asked for, and tell what it stored."""
        while time.monotonic() < ends_at:
            now = self.rows.get(key_of(row))
            if now is None or not now.is_on:
                return PollResult(row.workflow, row.trigger)
            if now.looked_at is not None and moment_of(now.looked_at) >= _to_milliseconds(asked_at):
                return self._told(now, asked_at)
            time.sleep(_LOOK_SECONDS)
        return PollResult(row.workflow, row.trigger, error=_NO_LOOK)

    def _told(self, row: Row[Any], asked_at: datetime) -> PollResult:
        import json

        columns = (trigger_items.c.state, trigger_items.c.run_id)
        mine = (trigger_items.c.workflow == row.workflow) & (trigger_items.c.trigger == row.trigger)
        of_account = mine & (trigger_items.c.account == row.account) & (trigger_items.c.source == row.source)
        since = of_account & (trigger_items.c.seen_at >= timestamp(asked_at))
        with self.database.reading() as connection:
            seen = connection.execute(select(*columns).where(since).order_by(trigger_items.c.run_id)).all()
        return PollResult(
            workflow=row.workflow,
            trigger=row.trigger,
            found=len(seen),
            started=[one.run_id for one in seen if one.run_id is not None],
            skipped=sum(one.state == "skipped" for one in seen),
            dead=sum(one.state == "dead" for one in seen),
            error=None if row.error is None else TriggerError(**json.loads(row.error)),
        )


def _to_milliseconds(moment: datetime) -> datetime:
    """Return a moment as rows keep it."""
    return moment_of(timestamp(moment))
