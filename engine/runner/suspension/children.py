"""The runs that a run starts with `workflow.run`: accepted in its transaction, awaited, ended with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from engine.base.clock import timestamp
from engine.base.errors import InvalidInput, OrchestraError
from engine.base.json_text import JsonObject
from engine.base.names import new_run_id
from engine.base.statuses import AccountMode, Ending, Priority, RunStatus
from engine.record.acceptance import AcceptanceContext, acceptance, reaccepted
from engine.record.continuation import events_of
from engine.record.events import encoded
from engine.record.run_log import RunLogs
from engine.record.states.people_waits import people_wait
from engine.record.types.kind import kind_of, options_of
from engine.record.types.run import Acceptance, Caller, OutsideInput, RunKind, RunOptions
from engine.record.values import Values
from engine.store.journal import CalledRuns
from engine.store.owners import Owner
from engine.store.runs import RunStore

if TYPE_CHECKING:
    from engine.workflows.plan_cache import PlanCache

_DEEPEST = 8


class CalledRunFailed(OrchestraError):
    """The run that a `workflow.run` step called did not succeed."""


class WorkerOfRuns(Protocol):
    """What the worker of a process offers to its runs; on the engine's loop."""

    owner: Owner
    rows: RunStore
    plans: PlanCache

    def start(self, run_id: str, by: str = "engine") -> None:
        """Start work on a run that this process owns."""

    def task_of(self, run_id: str) -> asyncio.Task[None] | None:
        """Return the task of a run, or None if this process is not working on it."""

    def end_here(self, run_id: str, how: Any) -> None:
        """End a run if this process is working on it."""


class Children:
    """The called runs of one run. Used on the engine's loop."""

    def __init__(
        self,
        parent: Acceptance,
        called: CalledRuns,
        worker: WorkerOfRuns,
        logs: RunLogs,
        clock: Callable[[], datetime],
        changed_by: Sequence[str] = (),
        resumed_by: str = "engine",
    ) -> None:
        """`changed_by`: who let the run, or one above it, continue with another definition; `resumed_by`: who lets it
        continue now, and the runs that it has called with it.
        """
        self._parent, self._called, self._worker, self._logs, self._clock = parent, called, worker, logs, clock
        self._changed_by, self._resumed_by = changed_by, resumed_by

    def start(
        self,
        workflow: str,
        inputs: JsonObject,
        caller: Caller,
        replay: str | None,
        outside_inputs: Sequence[OutsideInput] = (),
    ) -> str:
        """Accept a run in the transaction of this turn's events, start it once they are committed; return its id.

        `replay`: the run whose answers are reused, as far as they are still known.
        `outside_inputs`: which of the inputs are text from outside.
        Raises InvalidInput (for its inputs, or for too many nested runs), InvalidFile.
        """
        if _depth(caller) > _DEEPEST:
            raise InvalidInput(
                f"Workflow {workflow!r} is called {_DEEPEST + 1} runs deep; at most {_DEEPEST} are allowed.",
                remedy="Look for a workflow that calls itself without end; a loop may do instead.",
            )
        plan = self._worker.plans.called(self._parent, workflow)
        now = self._clock()
        services = self._parent["connections"]
        default_mode = AccountMode.DEMO if self._parent["demo"] else self._parent["default_mode"]
        around = AcceptanceContext(
            run_id=new_run_id(now),
            started_by=self._parent["started_by"],
            queued_at=timestamp(now),
            modes={name: self._parent["modes"].get(name, default_mode) for name in plan.connections},
            default_mode=default_mode,
            connections=services,
            blobs=self._logs.blobs,
            parent_run_id=self._parent["run_id"],
            caller=caller,
            outside_inputs=outside_inputs,
            changed_by=self._changed_by,
            options=self._options(replay),
            priority=self._parent.get("priority", Priority.NORMAL),
            agreed=self._parent.get("agreed") or {},
        )
        accepted = acceptance(plan, inputs, around)
        self._worker.plans.keep(accepted, plan)
        title = str(plan.document.get("title") or plan.name)
        self._called.accept(accepted, title).add_done_callback(self._starts(around.run_id))
        return around.run_id

    def _options(self, replay: str | None) -> RunOptions:
        options = options_of(self._parent)
        kept: RunOptions = {"receipts": options["receipts"]} if "receipts" in options else {}
        kind = kind_of(options)
        if kind is RunKind.PLAN:
            kept = {**kept, "plan": options["plan"]}
        if kind is RunKind.TRIAL:
            kept = {**kept, "made_up": {}}
        if replay is None or not self._logs.exists(replay):
            return kept
        if "check" in options:
            return {**kept, "check": replay}
        if kind is RunKind.APPLY:
            return {**kept, "apply": {"plan": replay, "root": options["apply"]["root"]}}
        return {**kept, "replay": replay}

    def _starts(self, run_id: str) -> Callable[[asyncio.Future[Any]], None]:
        def start(accepted: asyncio.Future[Any]) -> None:
            if not accepted.cancelled() and accepted.exception() is None:
                self._worker.start(run_id)

        return start

    def go_on(self, run_id: str) -> bool:
        """Continue a called run that did not succeed; return False if it is no longer known."""
        row = self._worker.rows.get(run_id)
        if row is None:
            return False
        if row.ended_at is not None and row.status != RunStatus.SUCCEEDED:
            run = self._logs.read(run_id)
            if run is None:
                return False
            accepted = reaccepted(run, self._parent["connections"])
            if self._worker.rows.reopen(accepted, [encoded(one) for one in events_of(run)], self._worker.owner.id):
                self._worker.start(run_id, self._resumed_by)
        return True

    def has_ended(self, run_id: str) -> bool:
        """Return whether a called run has ended or is no longer known."""
        found = self._called.state(run_id)
        return found is None or found.ended_at is not None

    def is_put_away(self, run_id: str) -> bool:
        """Return whether a called run is suspended too; a run accepted just now is about to start."""
        found = self._called.state(run_id)
        return found is not None and found.status == RunStatus.WAITING and self._worker.task_of(run_id) is None

    async def ended(self, run_id: str) -> None:
        """Wait until this process has done what it can for a called run; take up the run if no process works on it."""
        task = self._worker.task_of(run_id)
        if task is not None:
            await asyncio.wait([task])
            return
        found = self._called.state(run_id)
        if found is not None and found.status != RunStatus.WAITING:
            with suppress(OrchestraError):  # tried again soon
                if self._worker.owner.take(run_id):
                    self._worker.start(run_id)
        await asyncio.Event().wait()  # for ever: whoever waits looks at the state again by itself (`RunSuspension`)

    def outputs(self, run_id: str) -> tuple[Any, timedelta]:
        """Return the outputs of a called run and, for the run of an agent, how long it has waited for people.

        Raises CalledRunFailed, InvalidFile.
        """
        run = self._logs.read(run_id)
        if run is None:
            raise CalledRunFailed(f"The log of the called run {run_id} is gone.", remedy="Start a new run.")
        if run["status"] == RunStatus.SUCCEEDED:
            outputs = Values(self._logs.blobs, run_id).planned(run["outputs"] or {})
            return outputs, people_wait(run, self._clock())
        because = f": {run['error']['message']}" if run["error"] else "."
        ended = "failed" if run["status"] == RunStatus.FAILED else f"was {run['status']}"
        raise CalledRunFailed(
            f"The run {run_id} of {run['workflow']!r} that it called {ended}{because}",
            remedy=f"Look at it: `orchestra runs show {run_id}`. Resuming this run goes on with that one, its workflow "
            f"as it was; if you have corrected it since, first resume that one with `--newest`.",
        )

    async def end(self, run_id: str, how: str) -> None:
        """End a called run with its caller; return once this process has nothing more to do for it."""
        if how == Ending.STOPPED:
            return
        if how != Ending.INTERRUPTED:
            self._called.ask_to_cancel(run_id)
        self._worker.end_here(run_id, Ending.INTERRUPTED if how == Ending.INTERRUPTED else Ending.CANCELLED)
        await self._finished(run_id)

    async def end_those_of_nobody(self) -> None:
        """Cancel called runs that were interrupted with their caller: no process is left to notice the cancellation."""
        for run_id in self._called.of_nobody(self._parent["run_id"]):
            await self._called.ask_to_cancel(run_id)
            if self._worker.owner.take(run_id):
                self._worker.start(run_id)
                await asyncio.sleep(0)  # lets it start
                await self._finished(run_id)

    async def _finished(self, run_id: str) -> None:
        task = self._worker.task_of(run_id)
        while task is not None and not task.done():
            with suppress(asyncio.CancelledError):  # wait for a write in flight
                await asyncio.wait([task])


def _depth(caller: Any) -> int:
    """Return how many runs are above a run called by this step."""
    depth = 0
    while isinstance(caller, list):
        depth, caller = depth + 1, caller[-1] if caller else None
    return depth
