"""Poll a trigger until nothing new is left, and record the result."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from clients.errors import AuthError, ServiceError
from engine.base.clock import timestamp
from engine.base.errors import Fenced, InUse, OrchestraError, StorageError
from engine.expressions.json_values import compact_json
from engine.store.triggering.triggered_runs import TriggeredRuns
from engine.store.triggering.triggers import Moved, TriggerRecord, TriggerStore
from engine.triggering.polling.backoff import after_failure
from engine.triggering.polling.chains import Chains
from engine.triggering.polling.mapping import error_of
from engine.triggering.polling.poll import StoredPoll, TriggerPolls
from engine.triggering.polling.status import PollResult, TriggerError

if TYPE_CHECKING:
    from engine.triggering.polling.resolver import TriggerResolver

_log = logging.getLogger(__name__)
MOST_QUEUED = 500
"""Queued runs of one trigger; with more, it does not look for new items."""
_REST_SECONDS = 15.0
_WAIT_SECONDS = 2.0
_WRITING = "A run of this workflow is writing what the trigger watches: it looks again in a moment."
_LOOKS_IN_A_ROW = 50
_FULL = f"{MOST_QUEUED} of its runs wait for their turn: it looks again when there are fewer."


class PollingLoop(Struct):
    """Polls triggers; any thread, but only one at a time for each trigger."""

    runs: TriggeredRuns
    rows: TriggerStore
    resolver: TriggerResolver
    looks: TriggerPolls
    chains: Chains
    chance: random.Random = field(default_factory=random.Random)
    on_queued: Callable[[], None] = field(default=lambda: None)
    """Called when runs have been queued."""

    def poll(self, row: TriggerRecord) -> PollResult:
        """Poll a trigger that is on, as long as there is more. Raises StorageError, InUse (taken over)."""
        stored, failure = self._looked(row)
        by_state = {state: [one for one in stored if one.state == state] for state in ("skipped", "dead")}
        result = PollResult(
            workflow=self.name(row),
            trigger=row.trigger,
            found=sum(one.state != "failing" for one in stored),
            started=StoredPoll(stored).run_ids,
            skipped=len(by_state["skipped"]),
            dead=len(by_state["dead"]),
            error=None if failure is None else TriggerError(**error_of(failure)),
        )
        _log.debug("%s of %s found %d, started %d", row.trigger, result.workflow, result.found, len(result.started))
        return result

    def name(self, row: TriggerRecord) -> str:
        """Return the name of the workflow of a trigger."""
        return self.resolver.name_of(row.workflow)

    def _looked(self, row: TriggerRecord) -> tuple[list[Any], Exception | None]:
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
            again = self.rows.get(row.key)
            if not looked.has_more or again is None or self.looks.is_stopped():
                break
            row = again
        return stored, None

    def _once(self, row: TriggerRecord) -> StoredPoll:
        try:
            if self.resolver.is_resting(row):
                self.rows.postpone(row, timestamp(self.looks.clock() + timedelta(seconds=_REST_SECONDS)))
                return StoredPoll()
            watched = self.resolver.watched(row.key)
            self.chains.require_none(watched, row)
        except (Moved, StorageError):
            raise
        except (OrchestraError, ServiceError) as error:
            return StoredPoll(failure=error)
        if self.runs.queued_count(row.workflow, row.trigger) >= MOST_QUEUED:
            again = self.looks.clock() + timedelta(seconds=watched.named.trigger.poll_seconds)
            self.rows.postpone(row, timestamp(again), note=_FULL)
            return StoredPoll()
        try:
            looked = self.looks.look(watched, row)
        except (StorageError, InUse, Fenced, Moved):
            raise
        except Exception as error:  # noqa: BLE001 - a bug in one type must not stop the others
            _log.exception("the trigger %s of %s broke down", row.trigger, watched.named.plan.name)
            return StoredPoll(failure=error)
        if looked.waits:
            self.rows.postpone(row, timestamp(self.looks.clock() + timedelta(seconds=_WAIT_SECONDS)), note=_WRITING)
        if isinstance(looked.failure, AuthError):
            self.resolver.refused(watched, looked.failure)
        return looked

    def _failed(self, row: TriggerRecord, looked: StoredPoll) -> None:
        if self.looks.is_stopped() or looked.failure is None:
            return
        # A poll that stored something made progress: its failure counts as the first.
        now, failures = self.looks.clock(), 1 if looked.stored else row.failures + 1
        until = after_failure(looked.failure, failures, self._poll_seconds(row), now, self.chance)
        error = compact_json(error_of(looked.failure))
        self.rows.failed(row, error, timestamp(now), timestamp(until), failures)

    def _poll_seconds(self, row: TriggerRecord) -> float:
        try:
            return self.resolver.of_row(row).trigger.poll_seconds
        except OrchestraError:
            return _REST_SECONDS
