"""Looking at one trigger until there is nothing new, and keeping how that went."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from clients.errors import AuthError, ServiceError
from engine.errors import InUse, OrchestraError, StorageError
from engine.store.database import Database
from engine.store.tables import runs
from engine.triggering.backoff import after_failure
from engine.triggering.finder import Finder
from engine.triggering.looks import Looked, Looks
from engine.triggering.mapping import error_of
from engine.triggering.rows import Moved, TriggerRows, key_of
from engine.triggering.status import PollResult, TriggerError

if TYPE_CHECKING:
    from sqlalchemy import Row

_log = logging.getLogger(__name__)
MOST_QUEUED = 500
"""Runs of one trigger that wait for their turn; with more, it looks for nothing new."""
_REST_SECONDS = 15.0
_LOOKS_IN_A_ROW = 50
_FULL = f"{MOST_QUEUED} of its runs wait for their turn: it looks again when there are fewer."


@dataclass
class Polls:
    """Polls triggers; any thread, each trigger by one at a time."""

    database: Database
    rows: TriggerRows
    finder: Finder
    looks: Looks
    chance: random.Random = field(default_factory=random.Random)
    on_queued: Callable[[], None] = field(default=lambda: None)
    """Called when runs wait for their turns."""

    def poll(self, row: Row[Any]) -> PollResult:
        """Look at a trigger that is on, as often as there is more. Raises StorageError, InUse (taken over)."""
        stored, failure = self._looked(row)
        by_state = {state: [one for one in stored if one.state == state] for state in ("skipped", "dead")}
        return PollResult(
            workflow=row.workflow,
            trigger=row.trigger,
            found=len(stored),
            started=Looked(stored).run_ids,
            skipped=len(by_state["skipped"]),
            dead=len(by_state["dead"]),
            error=None if failure is None else TriggerError(**error_of(failure)),
        )

    def _looked(self, row: Row[Any]) -> tuple[list[Any], Exception | None]:
        stored: list[Any] = []
        for _ in range(_LOOKS_IN_A_ROW):
            try:
                looked = self._once(row)
            except Moved:
                break
            stored += looked.stored
            if looked.run_ids:
                self.on_queued()
            if looked.failure is not None:
                self._failed(row, looked)
                return stored, looked.failure
            again = self.rows.get(key_of(row))
            if not looked.has_more or again is None or self.looks.is_stopped():
                break
            row = again
        return stored, None

    def _once(self, row: Row[Any]) -> Looked:
        try:
            if self.finder.is_resting(row):
                self.rows.postpone(row, self.looks.clock() + timedelta(seconds=_REST_SECONDS))
                return Looked()
            watched = self.finder.watched(key_of(row))
        except (Moved, StorageError):
            raise
        except (OrchestraError, ServiceError) as error:
            return Looked(failure=error)
        if self._is_full(row):
            again = self.looks.clock() + timedelta(seconds=watched.named.trigger.poll_seconds)
            self.rows.postpone(row, again, note=_FULL)
            return Looked()
        try:
            looked = self.looks.look(watched, row)
        except (StorageError, InUse, Moved):
            raise
        except Exception as error:  # noqa: BLE001 - a type that breaks down must not stop the others
            _log.exception("the trigger %s of %s broke down", row.trigger, row.workflow)
            return Looked(failure=error)
        if isinstance(looked.failure, AuthError):
            self.finder.refused(watched, looked.failure)
        return looked

    def _failed(self, row: Row[Any], looked: Looked) -> None:
        if self.looks.is_stopped() or looked.failure is None:
            return
        now, failures = self.looks.clock(), 1 if looked.stored else row.failures + 1
        until = after_failure(looked.failure, failures, self._poll_seconds(row), now, self.chance)
        self.rows.failed(row, error_of(looked.failure), now, until, failures)

    def _poll_seconds(self, row: Row[Any]) -> float:
        try:
            return self.finder.named(row.workflow, row.trigger).trigger.poll_seconds
        except OrchestraError:
            return _REST_SECONDS

    def _is_full(self, row: Row[Any]) -> bool:
        is_of_it = runs.c.started_by.concat("") == f"trigger:{row.trigger}"  # of all that it has started, few wait
        waiting = (runs.c.lane == row.workflow) & is_of_it
        with self.database.reading() as connection:
            statement = select(func.count()).select_from(runs).where(waiting & runs.c.ended_at.is_(None))
            return int(connection.execute(statement).scalar_one()) >= MOST_QUEUED
