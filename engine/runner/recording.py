"""What a run has written down: events out to the journal, and back into records when it goes on later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from engine.names import moment_of, timestamp
from engine.runner.values import Forms, Look, Values, forms, look
from engine.store.journal import Journal

KEPT = frozenset({"succeeded", "skipped"})
_FEW = 100
ENGINE = "engine"
"""Who takes a run up again where no person asked for it: after a wait, a restart, the death of its process."""


class Recording:
    """The events of one run; `recorded` knows what need not be done again."""

    def __init__(
        self,
        run_id: str,
        journal: Journal,
        values: Values,
        clock: Callable[[], datetime],
        events: Iterable[dict[str, Any]],
    ) -> None:
        self.run_id, self.values = run_id, values
        self._journal, self._clock = journal, clock
        self._number = 0
        self.few: list[dict[str, Any]] | None = []
        """All events of the run while they are few, so that a short run's log is made without reading them again."""
        self._finished: dict[str, dict[str, Any]] = {}
        self._waiting: dict[str, dict[str, Any]] = {}
        self._last_waits: dict[str, dict[str, Any]] = {}
        self._failed_attempts: Counter[str] = Counter()
        self._begun: dict[str, str] = {}
        """When each step that has a time limit began for the first time; the run itself has an empty path."""
        self._loops: set[str] = set()
        self._loose_end = 0
        """The number of the event of the last step that nobody waited for to be on disk."""
        self._tied = 0
        """The loose end up to which all is on disk."""
        self.started_at: str | None = None
        self.failing: dict[str, Any] | None = None
        """Why the run has failed, while the steps for its failure run."""
        journal.begin(run_id)
        for event in events:
            self._count(event)

    def deadline(self, path: str, seconds: float) -> datetime:
        """Return when the time of a step (the run: an empty path) is over, counted from its first start.

        Waits, restarts and new owners do not start it anew; a person who resumes the run does.
        """
        began = self._begun.setdefault(path, self.now())
        return moment_of(began) + timedelta(seconds=seconds)

    def seconds_until(self, moment: datetime) -> float:
        """Return how long it is until then; negative when it is past."""
        return (moment - self._clock()).total_seconds()

    def now(self) -> str:
        """Return the time as events carry it."""
        return timestamp(self._clock())

    def emit(self, kind: str, **details: Any) -> None:
        """Add an event; it is on disk after `committed()`."""
        event = {"type": kind, "at": self.now(), **details}
        self._journal.append(self.run_id, self._number + 1, event)
        self._count(event)

    def _count(self, event: dict[str, Any]) -> None:
        self._number += 1
        if self.few is not None:
            self.few.append(event)
            if self._number > _FEW:
                self.few = None
        self._take(event)

    async def kept(self, value: Any) -> Forms:
        """Keep what is large in a value in files of the run; return it as expressions see it, and as events carry it.

        Raises JournalBroken.
        """
        if look(value) is Look.PLAIN:  # nearly all are: one coroutine less for each
            return value, value
        return await forms(value, self.values, self.values.kept)

    async def kept_fields(self, fields: Mapping[str, Any]) -> Forms:
        """Do the same with each field of an object; the object itself stays one."""
        if look(fields) is Look.PLAIN:
            return fields, fields
        return await forms(fields, self.values, self.values.kept_fields)

    def committed(self) -> Awaitable[None]:
        """Wait until every event so far is on disk."""
        return self._journal.committed(self.run_id)

    def leave_loose_end(self) -> None:
        """Let the step that has just finished be stored with what comes next."""
        self._loose_end = self._number

    @property
    def has_loose_end(self) -> bool:
        """Tell whether a step has finished that must be on disk before another one starts."""
        return self._loose_end > self._tied

    async def tie_loose_end(self) -> None:
        """Wait until it is on disk; until then it is loose for all that start beside this one, too."""
        loose_end = self._loose_end
        await self.committed()
        self._tied = max(self._tied, loose_end)

    def record_of(self, path: str) -> dict[str, Any] | None:
        """Return how a step or item ended before: {status, output?, error?}, or None where it must run."""
        return self._finished.get(path)

    def waiting(self, path: str) -> dict[str, Any] | None:
        """Return what a step waits for, if it said so before: its `step_waiting` event."""
        return self._waiting.get(path)

    def last_wait(self, path: str) -> dict[str, Any] | None:
        """Return what a step waited for when it failed or was broken off: its latest `step_waiting` event."""
        return self._last_waits.get(path)

    def failed_attempts(self, path: str) -> int:
        """Return how many attempts of a step that has not ended have failed so far."""
        return self._failed_attempts[path]

    def begun_at(self, path: str) -> str:
        """Return when a step that waits began."""
        return self._begun.get(path) or self.now()

    def has_loop(self, path: str) -> bool:
        """Tell whether the items of a loop are written down."""
        return path in self._loops

    def _take(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind in ("step_finished", "item_finished"):
            self._finish(event)
        elif kind in ("step_started", "step_waiting"):
            self._begun.setdefault(event["path"], event.get("started_at") or event["at"])
            if kind == "step_waiting":
                self._waiting[event["path"]] = self._last_waits[event["path"]] = event
        elif kind == "attempt_failed":
            self._failed_attempts[event["path"]] += 1
        elif kind == "step_listed" and event.get("child_run_id"):
            self._last_waits[event["path"]] = event
        elif kind == "loop_started":
            self._loops.add(event["path"])
        elif kind == "run_started" and self.started_at is None:
            self.started_at = self._begun[""] = event["at"]
        elif kind == "run_failing":
            self.failing = event["error"]
        elif kind == "run_resumed" and event["by"] != ENGINE:
            self._begun = {"": event["at"]}
            self.failing = None

    def _finish(self, event: dict[str, Any]) -> None:
        """Keep what counts as finished; a failure that nothing caught is to be done again."""
        self._waiting.pop(event["path"], None)
        self._failed_attempts.pop(event["path"], None)
        if event.get("child_run_id"):
            self._last_waits[event["path"]] = event
        if event["status"] not in KEPT and not event.get("handled"):
            self._finished.pop(event["path"], None)
            return
        self._begun.pop(event["path"], None)
        record = {"status": event["status"]}
        if "output" in event:
            record["output"] = event["output"]
        if event.get("error") and event["status"] == "failed":
            record["error"] = event["error"]
        if event.get("fallback"):
            record["fallback"] = True
        if "stops" in event:
            record["stops"] = event["stops"]
        self._finished[event["path"]] = record
