"""The runs that one run starts by `workflow.run`: accepted in its own transaction, waited for, ended with it."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from engine.errors import InvalidInput, OrchestraError
from engine.expressions.expressions import compact_json
from engine.names import new_run_id, timestamp
from engine.runner.plan_cache import PlanCache
from engine.runner.values import Values
from engine.runs.acceptance import Circumstances, acceptance, reaccepted
from engine.runs.document import events_of
from engine.runs.run_log import RunLogs
from engine.store.journal import Journal
from engine.store.owners import Owner
from engine.store.run_rows import RunRows, insert_accepted

_log = logging.getLogger(__name__)
_DEEPEST = 8
_STATE = "SELECT status, ended_at FROM runs WHERE run_id = ?"
_OF_NOBODY = "SELECT run_id FROM runs WHERE parent_run_id = ? AND ended_at IS NULL AND owner IS NULL"


class CalledRunFailed(OrchestraError):
    """The run that a `workflow.run` step called did not succeed."""


class ChildHost(Protocol):
    """What the process offers for its runs; on the engine's loop."""

    owner: Owner
    rows: RunRows
    plans: PlanCache

    def start(self, run_id: str, by: str = "engine") -> None:
        """Work on a run that this process owns."""

    def task_of(self, run_id: str) -> asyncio.Task[None] | None:
        """Return the work on a run, None where this process does not work on it now."""

    def end_here(self, run_id: str, how: Any) -> None:
        """End a run if this process works on it."""


class Children:
    """The called runs of one run, on the engine's loop."""

    def __init__(
        self,
        parent: Mapping[str, Any],
        journal: Journal,
        host: ChildHost,
        logs: RunLogs,
        clock: Callable[[], datetime],
    ) -> None:
        self._parent, self._journal, self._host, self._logs, self._clock = parent, journal, host, logs, clock

    def start(self, workflow: str, inputs: Mapping[str, Any], caller: Sequence[Any], replay: str | None) -> str:
        """Accept a run in the transaction of the events of this turn, and start it after that; return its id.

        `replay`: a run whose answers it takes again, as far as that is still known.
        Raises InvalidInput (its inputs, or too many runs inside each other), InvalidFile.
        """
        if _depth(caller) > _DEEPEST:
            raise InvalidInput(
                f"Workflow {workflow!r} is called {_DEEPEST + 1} runs deep; at most {_DEEPEST} are allowed.",
                remedy="Look for a workflow that calls itself without end; a loop may do instead.",
            )
        plan = self._host.plans.called(self._parent, workflow)
        now = self._clock()
        services = self._parent["connections"]
        default_mode = self._parent["default_mode"]
        around = Circumstances(
            run_id=new_run_id(now),
            started_by=self._parent["started_by"],
            queued_at=timestamp(now),
            modes={name: self._parent["modes"].get(name, default_mode) for name in plan.connections},
            default_mode=default_mode,
            connections=services,
            logs=self._logs.folder,
            parent_run_id=self._parent["run_id"],
            caller=caller,
            options=self._options(replay),
        )
        accepted = acceptance(plan, inputs, around)
        self._host.plans.keep(accepted, plan)
        title, owner = str(plan.document.get("title") or plan.name), self._host.owner.id

        def accept(cursor: sqlite3.Cursor) -> None:
            insert_accepted(cursor, accepted, title, owner)

        self._journal.change(accept).add_done_callback(self._starts(around.run_id))
        return around.run_id

    def _options(self, replay: str | None) -> dict[str, Any]:
        kept = {name: value for name, value in self._parent["options"].items() if name == "receipts"}
        is_known = replay is not None and self._logs.path(replay).exists()
        return {**kept, "replay": replay} if is_known else kept

    def _starts(self, run_id: str) -> Callable[[asyncio.Future[Any]], None]:
        def start(accepted: asyncio.Future[Any]) -> None:
            if not accepted.cancelled() and accepted.exception() is None:
                self._host.start(run_id)

        return start

    def go_on(self, run_id: str) -> bool:
        """Go on with a called run that did not succeed; False where it is not known any more."""
        row = self._host.rows.get(run_id)
        if row is None:
            return False
        if row.ended_at is not None and row.status != "succeeded":
            run = self._logs.read(run_id)
            if run is None:
                return False
            accepted = reaccepted(run, self._parent["connections"])
            if self._host.rows.reopen(accepted, [compact_json(event) for event in events_of(run)], self._host.owner.id):
                self._host.start(run_id)
        return True

    def has_ended(self, run_id: str) -> bool:
        """Tell whether a called run has ended, or is not known any more."""
        found = self._journal.read(_STATE, (run_id,))
        return not found or found[0][1] is not None

    def is_put_away(self, run_id: str) -> bool:
        """Tell whether a called run only waits, too; one that was just accepted is about to begin."""
        found = self._journal.read(_STATE, (run_id,))
        return bool(found) and found[0][0] == "waiting" and self._host.task_of(run_id) is None

    async def ended(self, run_id: str) -> None:
        """Return when this process has done what it can for a called run; one that nobody works on is taken up."""
        task = self._host.task_of(run_id)
        if task is not None:
            await asyncio.wait([task])
            return
        found = self._journal.read(_STATE, (run_id,))
        if found and found[0][0] != "waiting":
            with suppress(OrchestraError):  # looked at again soon
                if self._host.owner.take(run_id):
                    self._host.start(run_id)
        await asyncio.Event().wait()

    def outputs(self, run_id: str) -> Any:
        """Return the outputs of a called run. Raises CalledRunFailed, InvalidFile."""
        run = self._logs.read(run_id)
        if run is None:
            raise CalledRunFailed(f"The log of the called run {run_id} is gone.", remedy="Start a new run.")
        if run["status"] == "succeeded":
            return Values(self._logs.folder, run_id).loaded(run["outputs"] or {})
        because = f": {run['error']['message']}" if run["error"] else "."
        raise CalledRunFailed(
            f"The run {run_id} of {run['workflow']!r} that it called was {run['status']}{because}",
            remedy=f"Look at it: `orchestra runs show {run_id}`. Resuming this run goes on with that one.",
        )

    async def end(self, run_id: str, how: str) -> None:
        """End a called run with its caller; returns once this process has nothing more to do for it."""
        if how == "stopped":
            return
        if how != "interrupted":
            self._journal.change(partial(_ask_to_cancel, run_id=run_id))
        self._host.end_here(run_id, "interrupted" if how == "interrupted" else "cancelled")
        await self._finished(run_id)

    async def end_those_of_nobody(self) -> None:
        """Cancel the called runs that were interrupted with their caller: no process would hear that they must."""
        for (run_id,) in self._journal.read(_OF_NOBODY, (self._parent["run_id"],)):
            await self._journal.change(partial(_ask_to_cancel, run_id=run_id))
            if self._host.owner.take(run_id):
                self._host.start(run_id)
                await asyncio.sleep(0)  # it is begun then
                await self._finished(run_id)

    async def _finished(self, run_id: str) -> None:
        task = self._host.task_of(run_id)
        while task is not None and not task.done():
            with suppress(asyncio.CancelledError):  # a write in flight is waited for
                await asyncio.wait([task])


def _ask_to_cancel(cursor: sqlite3.Cursor, run_id: str) -> None:
    cursor.execute("UPDATE runs SET cancel_requested = 1 WHERE run_id = ? AND ended_at IS NULL", (run_id,))


def _depth(caller: Any) -> int:
    """Return how many runs are above one that this step calls."""
    depth = 0
    while isinstance(caller, list):
        depth, caller = depth + 1, caller[-1] if caller else None
    return depth
