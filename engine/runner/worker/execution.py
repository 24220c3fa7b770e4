"""Carry one run from acceptance, or from where it was, to its end, a wait or an interruption.

The journal holds the truth while a run is open, its log after that. Every path out of a run follows the same order:
commit the events, write the log, then change the row (and at the end drop the events). A crash between two of these
loses nothing: the next process reads the events and continues, and the ledger keeps it from sending a write twice.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Struct

from clients.reads_only import reads_only
from engine.base.clock import milliseconds_of, timestamp
from engine.base.errors import InvalidFile, SetAside, StorageError
from engine.base.json_text import JsonObject
from engine.base.names import workflow_id_of
from engine.base.statuses import Ending, RunStatus, StepStatus
from engine.budgets.limits import SpendingRun, budget_in
from engine.budgets.meter import RunMeter
from engine.compiler.definition.plan import Plan
from engine.connections.accounts import Accounts
from engine.connections.consents import ConsentedAccounts, ConsentStore
from engine.expressions.json_values import compact_json
from engine.observing.observer import Observer
from engine.observing.traces import Tracer
from engine.record.document import document
from engine.record.events import (
    DefinitionTaken,
    Event,
    RunEnded,
    RunFailing,
    RunInterrupted,
    RunResumed,
    RunStarted,
    RunWaiting,
    decoded,
)
from engine.record.failure import StepFailed, failure
from engine.record.frames import RunName
from engine.record.parts.selection import Selection
from engine.record.previous_run import EarlierRun, played_run
from engine.record.run_log import RunLogs
from engine.record.summary import describe
from engine.record.types.kind import kind_of, options_of
from engine.record.types.run import Acceptance, Run, RunKind, TriggerItem
from engine.record.types.step import Failure
from engine.record.values import Values
from engine.runner.call.chain import StepExecutor
from engine.runner.effects.claim import WriteClaims
from engine.runner.effects.fault_points import reached
from engine.runner.effects.live import Live
from engine.runner.effects.reading import AccountReads
from engine.runner.execution.concurrency import RunStopped
from engine.runner.execution.earlier_answers import EarlierAnswers
from engine.runner.execution.log_writer import LogWriter
from engine.runner.execution.recording import ENGINE, Recording, ResumedBy
from engine.runner.execution.run_context import CasesOf, RunContext, RunFacts
from engine.runner.execution.runner import Runner
from engine.runner.suspension.children import Children, WorkerOfRuns
from engine.runner.suspension.mail_waits import RunMailWaits
from engine.runner.suspension.questions import RunQuestions
from engine.runner.suspension.suspension import RunSuspension
from engine.runner.suspension.waits import RunWaits, Waiting
from engine.store.debugging import DebugState
from engine.store.journal import JournalBroken, RunEnd
from engine.store.ledger import Receipts
from engine.store.runs import priority_of
from engine.store.state import Records
from engine.workflows.plan_cache import PlanCache

if TYPE_CHECKING:
    from engine.record.plans.applied_run import AppliedRun

_log = logging.getLogger(__name__)


class ExecutionDependencies(Struct, frozen=True):
    """What all runs of a process share."""

    records: Records
    writes: WriteClaims
    live: Live | None
    accounts: Accounts
    consent_store: ConsentStore
    logs: RunLogs
    log_writer: LogWriter
    clock: Callable[[], datetime]
    plans: PlanCache
    worker: WorkerOfRuns
    receipts: Receipts
    observer: Observer
    tracer: Tracer | None
    cases_of_prompts: CasesOf


class Execution:
    """A run that this process works on. Lives on the engine's loop."""

    def __init__(
        self,
        dependencies: ExecutionDependencies,
        acceptance: Acceptance,
        events: Sequence[Event],
        resumed_by: ResumedBy,
        *,
        is_new: bool = False,
    ) -> None:
        """Prepare the work; `is_new` says that nobody has worked on the run before."""
        self.run_id = acceptance["run_id"]
        self._resumed_by, self._is_new = resumed_by, is_new
        self._dependencies, self._acceptance = dependencies, acceptance
        self._kind = kind_of(options_of(acceptance))
        self._records = dependencies.records
        self._events = list(events)
        values = Values(dependencies.logs.blobs, self.run_id)
        self._recording = Recording(self.run_id, dependencies.records.journal, values, dependencies.clock, self._events)
        self._task: asyncio.Task[Any] | None = None
        self._ending: Ending | None = None
        self._suspension = RunSuspension(dependencies.clock)
        self._on_failure_error: Failure | None = None
        self._status = "stopped"
        """How the work ended."""
        self.is_over = False
        """Whether the run has ended, and its log and its row are written."""

    @property
    def caller_run_id(self) -> str | None:
        """The run that called this one."""
        return self._acceptance["parent_run_id"]

    @property
    def may_wake(self) -> list[str]:
        """The runs that may be due once work on this one is over: itself, if it is suspended, and its caller."""
        itself = [self.run_id] if self._suspension.is_parked else []
        return itself if self.caller_run_id is None else [*itself, self.caller_run_id]

    @property
    def is_ending(self) -> bool:
        """Return whether the run has been asked to stop."""
        return self._ending is not None

    def end(self, how: Ending) -> None:
        """Stop the run; wait for a write in flight, and keep its receipt."""
        if self._ending is not None:
            return  # a second cancellation would interrupt the wait for a write in flight
        self._ending = how
        if self._task is not None:
            self._task.cancel()

    async def run(self) -> None:
        """Work until the run ends, waits or is interrupted, and record that. Raises StorageError, JournalBroken."""
        tracer = self._dependencies.tracer
        if tracer is None:
            await self._work()
            return
        with tracer.run(self.run_id, self._acceptance["workflow"], self.caller_run_id) as span:
            await self._work()
            span.ended(self._status)

    async def _work(self) -> None:
        if self._ended_before():
            await self._close()
            return
        self._begin()  # committed with the first event that is waited for
        if await self._is_set_aside():
            return
        reached("accepted")
        self._task = self._suspension.walk = asyncio.ensure_future(self._walk())
        if self._ending is not None:
            self._task.cancel()
        status, details = await self._outcome(self._task)
        self._status = str(status)
        if status == Ending.STOPPED:
            return
        if status == RunStatus.WAITING:
            await self._park()
        elif status == RunStatus.INTERRUPTED:
            await self._interrupt()
        else:
            if status == RunStatus.CANCELLED:
                await self._children().end_those_of_nobody()
            self._recording.emit(RunEnded, status=RunStatus(status), **details)
            reached("before end")
            await self._recording.committed()
            await self._close()
            reached("after end")

    async def _is_set_aside(self) -> bool:
        """End the run if its processes died too often; else forget the deaths once its next step ends."""
        found = None if self._is_new else self._records.runs.deaths(self.run_id)
        if found is None:
            return False
        if not found.are_too_many:
            self._recording.on_progress = lambda: self._records.runs.forgive(self.run_id)
            return False
        error = SetAside(f"The process died {found.times} while it worked on this run, which is set aside.")
        document = failure(error, workflow=self._acceptance["workflow"])
        self._recording.emit(RunEnded, status=RunStatus.FAILED, error=document)
        await self._recording.committed()
        await self._close()
        return True

    def _ended_before(self) -> bool:
        return bool(self._events) and isinstance(self._events[-1], RunEnded)

    def _begin(self) -> None:
        if self._recording.started_at is None:
            self._recording.emit(RunStarted)
            _log.info("run %s of %s begins", self.run_id, self._acceptance["workflow"])
            self._dependencies.observer.begun()
        else:
            answered = True if self._resumed_by.is_answer else UNSET
            self._recording.emit(RunResumed, by=self._resumed_by.by, answered=answered)
            _log.info("run %s of %s goes on", self.run_id, self._acceptance["workflow"])
            self._dependencies.observer.resumed(by_person=self._resumed_by.by != ENGINE)
        self._records.runs.started(self.run_id, self._recording.started_at)

    async def _walk(self) -> Any:
        plan = self._dependencies.plans.plan(self._acceptance)
        self._begin_log(plan)
        followed, played = await self._followed(), await self._played()
        executor = StepExecutor(await self._context(plan, followed, played))
        is_timed = self._kind is not RunKind.DEBUG  # there, a person takes their time
        selection = await self._selection(plan)
        runner = Runner(plan, self._recording, executor.perform, self._suspension, selection, is_timed=is_timed)
        run: RunName = {"id": self.run_id, "started_at": self._recording.started_at}
        if (named := followed or played) is not None:  # so that what names the run has the same text
            run = {"id": named["run_id"], "started_at": named["started_at"]}
        inputs = self._recording.values.live(self._acceptance["inputs"])
        try:
            if self._recording.failing is not None:
                raise StepFailed(self._recording.failing)
            return await runner.run(inputs, run)
        except StepFailed as failed:
            if plan.on_failure is not None and not failed.is_final:
                await self._after_failure(runner, inputs, run, failed)
            raise

    async def _followed(self) -> Run | None:
        """Return the plan that this run applies or checks. Raises InvalidFile."""
        options = options_of(self._acceptance)
        plan_id = options["apply"]["plan"] if self._kind is RunKind.APPLY else options.get("check")
        return None if plan_id is None else await self._log_of(plan_id)

    async def _played(self) -> Run | None:
        """Return the run in the file that this run replays. Raises InvalidFile."""
        stored = options_of(self._acceptance).get("plays")
        if stored is None:
            return None
        return await asyncio.to_thread(played_run, stored, self._dependencies.logs.blobs, self.run_id)

    async def _context(self, plan: Plan, followed: Run | None, played: Run | None) -> RunContext:
        dependencies, facts = self._dependencies, self._facts()
        if followed is None:
            earlier = await self._earlier(facts.options.get("replay"))
        else:
            earlier = EarlierRun(followed, dependencies.logs.blobs)
        return RunContext(
            facts=facts,
            plan=plan,
            called_plan=partial(dependencies.plans.called, self._acceptance),
            recording=self._recording,
            accounts=dependencies.accounts,
            writes=dependencies.writes,
            reads=AccountReads(dependencies.clock),
            receipts=dependencies.receipts,
            run_waits=self._run_waits(),
            wait=self._wait,
            clock=dependencies.clock,
            meter=self._meter(),
            live=dependencies.live,
            cases_of_prompts=dependencies.cases_of_prompts,
            earlier=None if earlier is None else EarlierAnswers(earlier, facts.prompts),
            played={} if played is None else {step["path"]: step for step in played["steps"]},
            outdated_steps=frozenset(facts.options.get("outdated", ())),
            guard=reads_only if self._kind.writes_nothing else nullcontext,
            applied=None if followed is None else await self._applied(plan, followed),
            debug_state=self._debug_state,
            observer=dependencies.observer,
            tracer=dependencies.tracer,
        )

    def _debug_state(self) -> DebugState:
        """Return how far this debug run may go now."""
        terms = self._acceptance["options"]["debug"]
        return self._records.debugged.state(self.run_id) or DebugState.begun(terms["breakpoints"])

    async def _applied(self, plan: Plan, followed: Run) -> AppliedRun | None:
        """Return what this run may write; None if it writes nothing. Raises InvalidFile."""
        if self._kind is not RunKind.APPLY:
            return None
        from engine.record.plans.applied_run import AppliedRun

        tree = [await self._log_of(options_of(self._acceptance)["apply"]["root"])]
        for run in tree:  # it grows by the runs that each one called
            called = (step["child_run_id"] for step in run["steps"] if "child_run_id" in step)
            tree += [await self._log_of(run_id) for run_id in called]
        return AppliedRun(followed, tree, plan.after_failures, self._dependencies.logs.blobs)

    def _facts(self) -> RunFacts:
        acceptance = self._acceptance
        return RunFacts(
            run_id=self.run_id,
            origin_run_id=acceptance["origin_run_id"] or self.run_id,
            workflow=acceptance["workflow"],
            workflow_id=workflow_id_of(acceptance),
            modes=acceptance["modes"],
            prompts=acceptance["definition"]["prompts"],
            default_mode=acceptance["default_mode"],
            is_demo=acceptance["demo"],
            caller=acceptance.get("caller"),
            options=options_of(acceptance),
            renamed=self._renamed(),
            outside_inputs=acceptance.get("outside_inputs", ()),
            priority=priority_of(acceptance),
            item=_item(acceptance.get("trigger")),
            agreed=ConsentedAccounts.of_run(self._dependencies.consent_store, acceptance),
        )

    def _renamed(self) -> Callable[[str], str] | None:
        """Return the function from a write's recorded identity to its current one; None if no rename was possible.

        Names do not change while a run is open, but an environment may run a version made before. A write sent under
        its old name, and not answered yet, keeps that name. Raises InvalidFile.
        """
        begun = (event for event in self._events if isinstance(event, RunResumed))
        kept = self._acceptance["definition"].get("environment")
        since = {} if kept is None else kept["since"]
        if not since and self._resumed_by.by == ENGINE and all(event.by == ENGINE for event in begun):
            return None
        renames, accepted_at = self._dependencies.logs.renames(), self._acceptance["queued_at"]

        def renamed(identity: str) -> str:
            is_open = self._records.effects.is_open(identity)
            return identity if is_open else renames.applied(identity, accepted_at, since)

        return renamed

    async def _selection(self, plan: Plan) -> Selection | None:
        options = options_of(self._acceptance)
        if "only" not in options and "pins" not in options:
            return None
        earlier = await self._earlier(options.get("from_run"))
        if self._kind is not RunKind.CORRECTION:
            return Selection(options, earlier)
        from engine.record.parts.redoing import Redoing

        assert earlier is not None
        return Redoing(options, earlier, plan)

    async def _earlier(self, run_id: str | None) -> EarlierRun | None:
        """Return the log of a run whose answers this one reuses. Raises InvalidFile."""
        return None if run_id is None else EarlierRun(await self._log_of(run_id), self._dependencies.logs.blobs)

    async def _log_of(self, run_id: str) -> Run:
        run = await self._dependencies.log_writer.read(run_id)
        if run is None:
            raise InvalidFile(f"The log of run {run_id} is gone.", remedy="Start a run that needs nothing of it.")
        return run

    async def _after_failure(self, runner: Runner, inputs: JsonObject, run: RunName, failed: StepFailed) -> None:
        """Run the workflow's `on_failure` steps; the run has failed whatever their result."""
        if self._recording.failing is None:
            self._recording.emit(RunFailing, error=failed.error)
        try:
            await runner.after_failure(inputs, run, failed.error)
        except StepFailed as second:
            self._on_failure_error = second.error
        except RunStopped:
            return

    def _run_waits(self) -> RunWaits:
        dependencies = self._dependencies
        questions = RunQuestions(
            self._records.questions,
            self.run_id,
            self._acceptance["workflow"],
            self._acceptance["started_by"],
            self._changed_by(),
            dependencies.clock,
        )
        is_held, is_paused = self._records.effects.held, self._records.spending.is_paused
        return RunWaits(
            questions,
            self._children(),
            dependencies.clock,
            lambda: is_held() is not None,
            lambda: is_paused(self.run_id),
            RunMailWaits(self._records.mail_waits, self.run_id, dependencies.clock),
        )

    def _changed_by(self) -> list[str]:
        """Return who has let the run, or one that called it, continue with another definition than before."""
        found, is_changed = set(self._acceptance.get("changed_by", ())), False
        for event in self._events:
            if isinstance(event, DefinitionTaken):
                is_changed = True
            elif isinstance(event, RunResumed):
                if (is_changed or event.newest is True) and isinstance(event.by, str):
                    found.add(event.by)
                is_changed = False
        return sorted(found | ({self._resumed_by.by} if is_changed else set()))

    def _meter(self) -> RunMeter:
        dependencies = self._dependencies
        return RunMeter(
            self._spending_runs,
            lambda: dependencies.accounts.config().config,
            self._records.spending,
            dependencies.clock,
        )

    def _spending_runs(self) -> Iterator[SpendingRun]:
        """Yield this run and those that called it: a model call counts for all of them."""
        acceptance: Acceptance | None = self._acceptance
        while acceptance is not None:
            budget = budget_in(acceptance["definition"]["workflow"])
            yield SpendingRun(acceptance["run_id"], acceptance["workflow"], workflow_id_of(acceptance), budget)
            caller = acceptance["parent_run_id"]
            row = None if caller is None else self._dependencies.worker.rows.get(caller)
            acceptance = None if row is None or row.acceptance is None else json.loads(row.acceptance)

    def _children(self) -> Children:
        dependencies = self._dependencies
        called, changed_by = self._records.called, self._changed_by()
        by = self._resumed_by.by
        return Children(
            self._acceptance, called, dependencies.worker, dependencies.logs, dependencies.clock, changed_by, by
        )

    async def _outcome(self, task: asyncio.Task[Any]) -> tuple[str, dict[str, Any]]:
        try:
            outputs = await task
        except StepFailed as failed:
            more = {"on_failure_error": self._on_failure_error} if self._on_failure_error else {}
            return RunStatus.FAILED, {"error": failed.error, **more}
        except RunStopped as stopped:
            outputs = self._recording.values.whole(stopped.outputs)
            return RunStatus.SUCCEEDED, {"outputs": outputs, "stopped": {"message": stopped.message}}
        except asyncio.CancelledError:
            if self._ending is None and self._suspension.is_parked:
                return RunStatus.WAITING, {}
            return self._ending or Ending.STOPPED, {}
        except InvalidFile as error:
            return RunStatus.FAILED, {"error": failure(error, workflow=self._acceptance["workflow"])}
        except (JournalBroken, StorageError):  # our own disk is at fault, not the run: it is tried again later
            raise
        except Exception as error:  # noqa: BLE001 - every run must end with a status, whatever broke
            _log.exception("run %s broke down", self.run_id)
            return RunStatus.FAILED, {"error": failure(error, workflow=self._acceptance["workflow"])}
        return RunStatus.SUCCEEDED, {"outputs": self._recording.values.whole(outputs)}

    # --- waiting

    async def _wait(self, pause: Waiting, limit: datetime | None, outer_limit: datetime | None) -> None:
        try:
            await self._suspension.wait(pause, limit, outer_limit)
        except asyncio.CancelledError:
            if not self._suspension.is_parked:
                await pause.given_up(self._ending or "timeout")
            raise

    async def _park(self) -> None:
        self._recording.emit(RunWaiting, due_at=self._due_at())
        self._records.runs.parked(self.run_id)
        await self._put_away()

    def _due_at(self) -> str | None:
        due_at = self._suspension.due_at()
        return None if due_at is None else timestamp(due_at)

    async def _interrupt(self) -> None:
        self._recording.emit(RunInterrupted)
        self._records.runs.interrupted(self.run_id)
        try:
            await self._put_away()
        except StorageError:  # its log is then older; its events are complete
            self._records.runs.disowned(self.run_id)
            await self._recording.committed()
            raise

    async def _put_away(self) -> None:
        """Write how far the run has come, in its log and in the list of runs."""
        await self._recording.committed()
        run = await self._log(self._stored())
        # Asked now: what ended a wait before the row said so is seen, and what ends one later wakes the run itself.
        due_at = self._due_at()
        # From here on others may take up an interrupted run; earlier, this log could have overwritten theirs.
        self._records.runs.put_away(self.run_id, run["sentence"], compact_json(run["counts"]), due_at)
        await self._recording.committed()

    # --- the end

    async def _close(self) -> None:
        """Write the log, then delete the events: in this order, so that a crash in between loses neither."""
        few = self._recording.few
        run = await self._log(self._stored() if few is None else few)
        assert run["ended_at"] is not None
        end = RunEnd(
            run_id=self.run_id,
            workflow_id=workflow_id_of(run),
            parent_run_id=self._acceptance["parent_run_id"],
            demo=run["demo"],
            status=run["status"],
            ended_at=run["ended_at"],
            duration_seconds=run["duration_seconds"],
            sentence=run["sentence"],
            counts=compact_json(run["counts"]),
            at_milliseconds=milliseconds_of(self._dependencies.clock()),
            made_good=[] if self._kind.writes_nothing else _processed(run),
            plan_hash=await asyncio.to_thread(_plan_hash, run) if self._kind is RunKind.PLAN else None,
        )
        await self._records.runs.ended(end)
        self.is_over = True
        _log.info("run %s %s", self.run_id, end.status)
        self._dependencies.observer.ended(end.status)

    def _log(self, events: Iterable[Event]) -> asyncio.Future[Run]:
        """Write the log for these events and return the document, which is made in a thread."""
        return self._dependencies.log_writer.write(self.run_id, lambda: self._document(events))

    def _log_so_far(self) -> asyncio.Future[Run]:
        return self._log(self._stored())

    def _stored(self) -> Iterable[Event]:
        """Return the committed events, parsed lazily."""
        return map(decoded, self._records.runs.events(self.run_id))

    def _begin_log(self, plan: Plan) -> None:
        """Write the first log without waiting for it: the journal holds the truth.

        If services are called, the log is requested now, so that it mentions the run should the state file be lost
        after a write. A run without services can wait: if it ends soon, its log is written once, not twice.
        """
        if plan.calls_services:
            few = self._recording.few
            self._log(self._stored() if few is None else list(few))  # a copy: more events come while it is written
        else:
            self._dependencies.log_writer.write_soon(self.run_id, self._log_so_far)

    def _document(self, events: Iterable[Event]) -> Run:
        run = document(self._acceptance, events)
        describe(run)
        return run


def _processed(run: Run) -> list[str]:
    """Return the keys of the items that a run has processed."""
    return [str(step["key"]) for step in run["steps"] if step["status"] == StepStatus.SUCCEEDED and step.get("key")]


def _item(trigger: TriggerItem | None) -> tuple[str, ...] | None:
    """Return what a trigger started the run for; the same item in the same account always gives an equal one."""
    return None if trigger is None else tuple(str(trigger[name]) for name in ("id", "source", "account", "item"))


def _plan_hash(run: Run) -> str:
    from engine.record.plans.applied_run import plan_hash  # only plans need it

    return plan_hash(run)
