"""The engine's thread and event loop in a process: it starts, adopts, wakes and ends the runs that the process owns."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import os
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct, field

from engine.base.clock import timestamp
from engine.base.errors import Fenced, InUse, StorageError
from engine.base.json_text import value_of
from engine.base.signal import Signal
from engine.base.statuses import ACTIVE_RUNS, Ending, RunStatus
from engine.base.threads import shared_property
from engine.connections.accounts import Accounts
from engine.connections.consents import ConsentStore
from engine.observing import context
from engine.observing.observer import Observer
from engine.observing.traces import Tracer
from engine.plugins.step import Written
from engine.record.events import Event, decoded
from engine.record.run_log import RunLogs, told_arguments
from engine.record.types.run import Acceptance
from engine.runner.effects.claim import WriteClaims
from engine.runner.effects.job import Job
from engine.runner.effects.ledger import Ledger
from engine.runner.effects.live import Live
from engine.runner.effects.ownership import WriteOwnership
from engine.runner.effects.undoing import Undoing
from engine.runner.execution.log_writer import LogWriter
from engine.runner.execution.recording import ENGINE, ResumedBy
from engine.runner.worker.poller import Poller
from engine.runner.worker.queue import WorkQueue
from engine.runner.worker.standings import Standings
from engine.store.journal import JournalBroken
from engine.store.owners import Owner
from engine.store.runs import RunStanding
from engine.store.state import Records, State
from engine.store.write_list import WriteList
from engine.workflows.plan_cache import PlanCache

if TYPE_CHECKING:
    from engine.runner.execution.run_context import CasesOf
    from engine.runner.worker.execution import Execution, ExecutionDependencies

Result = TypeVar("Result")

_log = logging.getLogger(__name__)
_STALLED_SECONDS = 5.0
_CLOSE_SECONDS = 5.0
_MOMENT_SECONDS = 0.1
_MOST_ENDS = 10_000
_WRITABLE = "Give yourself write permission to the workspace folder, or work in a copy of it."


class WorkerOptions(Struct, frozen=True):
    """What observes a worker, and what knows more than the state."""

    live: Live | None = None
    """Gets the answers of models while they arrive."""
    observer: Observer = field(default_factory=Observer)
    """Hears of the work on runs."""
    tracer: Tracer | None = None
    """None unless traces are on."""
    cases_of_prompts: CasesOf = None
    """Returns what a case of a prompt says about these variables."""


class Worker:
    """Owns runs. Thread-safe, except for methods that say otherwise."""

    def __init__(
        self,
        state: State,
        owner: Owner,
        accounts: Accounts,
        logs: RunLogs,
        sent: WriteList,
        queue: WorkQueue,
        clock: Callable[[], datetime],
        options: WorkerOptions | None = None,
    ) -> None:
        self.shares = owner.shares
        """Whether the runs that it accepts are for any worker that shares the state."""
        self.owner, self._queue, self._options = owner, queue, options or WorkerOptions()
        self.live = self._options.live
        self.state, self.rows, self.plans = state, state.runs, PlanCache()
        self.acceptances = state.acceptances(owner.id, shared=owner.shares, waits=owner.limits.are_set)
        self.folder = owner.folder.parent
        """The folder of the state: for what processes lock, and for the list of writes."""
        self.accounts, self._clock = accounts, clock
        self._logs, self._sent = logs.written_by(owner), sent
        self._executions: dict[str, Execution] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._accepted: dict[str, Acceptance] = {}
        """Acceptances of runs that this process has just accepted and put into the queue: they need not be read."""
        self._resumed_by: dict[str, ResumedBy] = {}
        """Who resumed runs that this process has put into the queue."""
        self._errors: dict[str, Exception] = {}
        self._held: set[str] = set()
        """Runs on which no work may start now: their definition is being replaced."""
        self._over: dict[str, None] = {}
        """The runs that ended here last and were not started again: `wait` returns at once for them."""
        self._closing = False
        self.run_left = Signal()
        """On the worker's loop: the work on a run has ended, or stopped until the run is due."""
        self.queue_adopted = Signal()
        """On the worker's loop: among the runs that were adopted, some wait for their turn."""
        self.is_taken_over = threading.Event()
        """Set once another process has taken over the runs of this one, which then does nothing more."""
        self._loop = _new_loop()
        self._calls = _Calls(self._loop)
        self._close_at_once() if state.is_read_only else self._begin()

    def _begin(self) -> None:
        self._thread = threading.Thread(target=self._run_loop, name="engine", daemon=True)
        self._thread.start()
        self._call(self._open())

    def _close_at_once(self) -> None:
        """Work on nothing: what would need the loop raises StorageError."""
        self._closing = True
        self._calls.refuse(StorageError(f"{self.folder} cannot be written.", remedy=_WRITABLE))
        self._loop.close()

    # --- for dashboard, API and CLI

    def start(self, run_id: str, by: str = ENGINE, *, answered: bool = False) -> None:
        """Work on a run that this process owns; `answered`: because `by` has answered one of its questions."""
        self._over.pop(run_id, None)
        # A person who resumes a run repeats what failed; an answer that comes meanwhile must not replace that.
        if by != ENGINE and not (answered and run_id in self._resumed_by):
            self._resumed_by[run_id] = ResumedBy(by, answered)
        self._queue.put(run_id)

    def go_on(self, run_id: str, by: str, *, answered: bool = False) -> None:
        """Continue a run that this process owns, together with the suspended runs that wait for its end.

        `answered`: since that person has answered a question of it.
        """
        caller = self.rows.caller(run_id)
        while caller is not None and caller.status == RunStatus.WAITING and self.owner.take(caller.run_id):
            caller = self.rows.caller(caller.run_id)
        self.start(run_id, by, answered=answered)

    def begin(self, acceptances: Sequence[Acceptance]) -> None:
        """Work on runs just accepted for this process: nothing about them needs to be read."""
        self._calls.require()
        if not self._queue.delivers_at_once:
            self._queue.look()  # it takes them from the state; so does any other process that shares it
            return
        self._accepted.update({one["run_id"]: one for one in acceptances})
        self._queue.put_many([one["run_id"] for one in acceptances])

    def adopt_from_now_on(self) -> list[str]:
        """Adopt the runs of dead processes, now and whenever one dies; return the ids of those adopted now."""
        self._calls.require()
        self._poller.adopts = True
        return self._adopted(self.owner.adopt)

    def adopt_patiently(self) -> list[str]:
        """Do the same for a process that looks only once: what seems dead gets its time to show that it lives."""
        patience_seconds = self.owner.locks.patience_seconds
        if not patience_seconds:
            return self.adopt_from_now_on()
        found = self._adopted(self.owner.adopt)
        time.sleep(patience_seconds + _MOMENT_SECONDS)
        return [*found, *self.adopt_from_now_on()]  # last: what it adopts meanwhile would not be returned

    def adopt_all(self) -> list[str]:
        """Continue the runs of dead processes and the interrupted ones; return their ids."""
        return self._adopted(self.owner.adopt_all)

    def _adopted(self, adopt: Callable[[], list[str]]) -> list[str]:
        self._calls.require()
        return self._call(self._poller.adopt(adopt))

    def wait(self, run_id: str, seconds: float | None) -> None:
        """Wait until this process has nothing more to do for the run (it ended, waits, or time is up).

        Raises StorageError if the outcome could not be stored, Fenced if another process has taken over.
        """
        if run_id not in self._over or self.is_taken_over.is_set():
            self._call(self._idle(run_id, seconds))

    def end(self, run_id: str, how: Ending) -> bool:
        """End a run that this process is working on; return False if it is not."""

        async def end() -> bool:
            execution = self._executions.get(run_id)
            if execution is not None:
                execution.end(how)
            return execution is not None

        return self._call(end())

    def forget_end(self, run_id: str) -> None:
        """Note that a run that may have ended here is about to be reopened: `wait` then waits for it again."""
        self._over.pop(run_id, None)

    def wait_if_ending(self, run_id: str) -> None:
        """Wait for a run that is being cancelled or interrupted here: only then is its state known."""

        async def ended() -> None:
            execution = self._executions.get(run_id)
            if execution is not None and execution.is_ending:
                await asyncio.wait([self._tasks[run_id]])

        self._call(ended())

    @contextmanager
    def held(self, run_id: str) -> Iterator[None]:
        """Start no work on a run meanwhile. Raises InUse if it is being worked on, or is held already."""

        async def hold() -> bool:
            is_free = run_id not in self._tasks and run_id not in self._held
            if is_free:
                self._held.add(run_id)
                self._accepted.pop(run_id, None)  # it may be replaced
            return is_free

        async def let_go() -> None:
            self._held.discard(run_id)

        if not self._call(hold()):
            remedy = "Wait until it has ended, or cancel it first."
            raise InUse(f"Run {run_id} is being worked on, and was not changed.", remedy=remedy)
        try:
            yield
        finally:
            self._call(let_go())

    def answer(self, run_id: str, path: str | None, receipt: str | None) -> int:
        """Answer for the writes of a run with unknown outcome (`Effects.answer`); return how many there were."""
        return self._recorded(lambda: self._records.effects.answer(run_id, path, receipt))

    def retell(self, run_id: str, sentence: str) -> None:
        """Change the sentence of an ended run in the list of runs. Raises StorageError."""
        self._recorded(lambda: self._records.runs.change_sentence(run_id, sentence))

    def _recorded(self, record: Callable[[], asyncio.Future[Result]]) -> Result:
        """Record something in the journal's next transaction, from any thread; return the result once it is on disk."""

        async def recorded() -> Result:
            return await record()

        try:
            return self._call(recorded())
        except JournalBroken as broken:
            raise broken.error from broken

    def undo(self, job: Job, written: Written) -> None:
        """Undo a write in its service and record that in the ledger. Raises CannotUndo, ServiceError, StorageError."""
        try:
            self._call(self._undoing.undo(job, written))
        except JournalBroken as broken:
            raise broken.error from broken

    def forget(self, identity: str, generation: int) -> None:
        """Record that a write is gone together with another one that was undone. Raises StorageError."""
        at = timestamp(self._clock())
        self._recorded(lambda: self._records.effects.undone(identity, generation, at))

    def ask(self, question: Callable[[Records], Coroutine[Any, Any, Result]]) -> concurrent.futures.Future[Result]:
        """Run a coroutine on the loop, with the records of this process; cancelling the future cancels it."""

        async def asked() -> Result:
            return await question(self._records)

        self._calls.require()
        return asyncio.run_coroutine_threadsafe(asked(), self._loop)

    def check(self) -> None:
        """Check that the loop answers, that its commits reach the disk, and that this process still owns its runs.

        Raises StorageError, Fenced.
        """
        now = timestamp(self._clock())
        self._recorded(lambda: self._records.journal.mark_health(now))

    def check_logs(self) -> None:
        """Check that logs can be written. Raises StorageError, Fenced."""
        self._logs.require_writable()

    def silent_seconds(self) -> float:
        """Return the seconds since the loop last ran a poll, which it does every half second."""
        return time.monotonic() - self._poller.turned_at

    def close(self) -> None:
        """Stop working; unfinished runs are left for the next process to adopt."""
        if self._closing:
            return
        self._closing = True
        is_idle = self._call(self._shut())
        self._calls.end()
        self._thread.join(timeout=_CLOSE_SECONDS)
        if self._options.tracer is not None:
            self._options.tracer.close()
        self._queue.join()
        if self.live is not None:
            self.live.close()
        if is_idle:  # else keep the lock while this process may still send something
            self.owner.release()

    # --- for runs that call others and for the poller, on the loop

    def task_of(self, run_id: str) -> asyncio.Task[None] | None:
        """Return the task of a run, or None if this process is not working on it."""
        return self._tasks.get(run_id)

    def end_here(self, run_id: str, how: Ending) -> None:
        """End a run if this process is working on it."""
        execution = self._executions.get(run_id)
        if execution is not None:
            execution.end(how)

    def is_at_work_on(self, run_id: str) -> bool:
        """Return whether this process is working on a run."""
        return run_id in self._executions

    def is_in_hand(self, run_id: str) -> bool:
        """Return whether there is work on a run here, or it is held on purpose."""
        return run_id in self._tasks or run_id in self._held

    def take_up(self, run_id: str) -> None:
        """Continue a run that this process owns, on the engine's own account."""
        self._queue.put(run_id)

    @property
    def observer(self) -> Observer:
        """Who hears of the work on runs."""
        return self._options.observer

    def look_at_fence(self) -> None:
        """Stop at once if another process has taken over: anything this one still did might be done twice."""
        if not self.is_taken_over.is_set() and not self._journal.is_ours():
            _log.warning("%s", Fenced())
            self.is_taken_over.set()
            self.observer.fenced()
            self._stop_all()

    # --- on the loop

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    def _call(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return self._calls.answer(coroutine)

    async def _open(self) -> None:
        self._records = self.state.records(self.owner.id, announces=self.owner.limits.are_set)
        self._journal = self._records.journal
        if not self._journal.is_ours():  # another process took over before the start
            raise Fenced
        self._writes = self._claimed_writes()
        self._undoing = Undoing(self._writes, self._records.effects, self._clock)
        self._log_writer = LogWriter(self._logs)
        self._standings = Standings(self.rows)
        self._poller = Poller(self.state.changes, self._records, self.owner, self._clock, self)
        self._queue.work(self._execute)  # from here on runs are delivered: whatever they need exists
        self._poller.begin()

    @shared_property
    def _dependencies(self) -> ExecutionDependencies:
        """What each execution works with."""
        from engine.runner.worker.execution import ExecutionDependencies

        return ExecutionDependencies(
            records=self._records,
            writes=self._writes,
            live=self.live,
            accounts=self.accounts,
            consent_store=ConsentStore(self.state.settings),
            logs=self._logs,
            log_writer=self._log_writer,
            clock=self._clock,
            plans=self.plans,
            worker=self,
            receipts=self.state.receipts,
            observer=self.observer,
            tracer=self._options.tracer,
            cases_of_prompts=self._options.cases_of_prompts,
        )

    def _claimed_writes(self) -> WriteClaims:
        ownership = WriteOwnership(self.rows, self.state.owners, self.owner, self._clock)
        arguments_of = partial(told_arguments, self.rows, self._logs)
        ledger = Ledger(self._records.effects, self._clock, self._sent)
        return WriteClaims(ledger, self._clock, ownership.state_of, arguments_of, self.owner.is_certain)

    async def _shut(self) -> bool:
        """Stop all work; return whether it has stopped."""
        # In this order: nothing new begins, work stops, and then its logs and events reach the disk.
        self._journal.hurry()
        self._poller.close()
        self._standings.close()
        self._queue.close()
        self._stop_all()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=_CLOSE_SECONDS)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._log_writer.finished(), _CLOSE_SECONDS)
        self._journal.close()
        return not self._tasks

    def _stop_all(self) -> None:
        for execution in list(self._executions.values()):
            execution.end(Ending.STOPPED)

    def _execute(self, run_id: str) -> asyncio.Future[None] | None:
        """Work on a run that the queue has delivered, if it is this process's turn and nobody is at it already."""
        accepted, by = self._accepted.pop(run_id, None), self._resumed_by.pop(run_id, ResumedBy(ENGINE))
        if run_id in self._tasks or run_id in self._held or self._closing or self.is_taken_over.is_set():
            return None
        try:
            if accepted is None and (fresh := self._queue.fresh_acceptance(run_id)) is not None:
                accepted = value_of(fresh)
            execution = self._begun(accepted, [], by, is_new=True) if accepted else self._execution(run_id, by)
        except StorageError as error:
            self._stalled(run_id, error)
            return None
        except Exception as error:  # noqa: BLE001 - the other runs that were delivered with it go on
            _log.exception("run %s cannot be taken up", run_id)
            self._stalled(run_id, error)
            return None
        return None if execution is None else self._take_up(execution)

    def _take_up(self, execution: Execution) -> asyncio.Future[None]:
        run_id = execution.run_id
        self._over.pop(run_id, None)
        self._errors.pop(run_id, None)
        self._executions[run_id] = execution
        self.observer.taken_up()
        task = self._tasks[run_id] = asyncio.ensure_future(self._work(execution))
        return task

    def _execution(self, run_id: str, by: ResumedBy) -> Execution | None:
        row, events = self.rows.with_events(run_id)
        if row is None or row.acceptance is None or row.owner != self.owner.id:
            return None
        execution = self._begun(value_of(row.acceptance), [decoded(one) for one in events], by)
        if row.cancel_requested:
            execution.end(Ending.CANCELLED)
        return execution

    def _begun(
        self, accepted: Acceptance, events: Sequence[Event], by: ResumedBy, *, is_new: bool = False
    ) -> Execution:
        from engine.runner.worker.execution import Execution  # with all that carries out a step: few commands do

        return Execution(self._dependencies, accepted, events, by, is_new=is_new)

    async def _work(self, execution: Execution) -> None:
        try:
            with context.within({"owner": self.owner.id, "run_id": execution.run_id}):
                await execution.run()
            if execution.is_over:
                self._remember_end(execution.run_id)
        except (StorageError, Fenced, JournalBroken) as error:
            self._stalled(execution.run_id, error.error if isinstance(error, JournalBroken) else error)
        except Exception as error:  # noqa: BLE001 - the loop must go on for the other runs
            _log.exception("run %s broke down", execution.run_id)
            self._stalled(execution.run_id, error)
        finally:
            self._executions.pop(execution.run_id, None)
            self._tasks.pop(execution.run_id, None)
            self._wake(execution.may_wake)
            self.run_left.emit()

    def _remember_end(self, run_id: str) -> None:
        self._over[run_id] = None
        if len(self._over) > _MOST_ENDS:
            self._over.pop(next(iter(self._over)), None)

    def _wake(self, run_ids: Sequence[str]) -> None:
        """Continue at once the given runs that are suspended here and already due."""
        if self._closing or not run_ids:
            return
        with suppress(StorageError):  # tried again soon
            for run_id in self._records.due.due_among(run_ids, timestamp(self._clock())):
                self._queue.put(run_id)

    def _stalled(self, run_id: str, error: Exception) -> None:
        """Keep the error for those who wait; try again later unless another process now owns the run."""
        self._errors[run_id] = error
        if isinstance(error, Fenced):
            self.look_at_fence()
        elif not self._closing:
            _log.error("run %s is stopped: %s", run_id, error)
            self._queue.put(run_id, after_seconds=_STALLED_SECONDS)

    async def _idle(self, run_id: str, seconds: float | None) -> None:
        ends_at = None if seconds is None else self._loop.time() + seconds
        while self._may_be_pending(run_id) and (ends_at is None or self._loop.time() < ends_at):
            if not self._is_pending(await self._standings.of(run_id)):
                break
            await self._standings.pause()
        while (task := self._tasks.get(run_id)) is not None:  # a suspended run may be due already
            left = None if ends_at is None else ends_at - self._loop.time()
            if left is not None and left <= 0:
                break
            await asyncio.wait([task], timeout=left)
        self.look_at_fence()
        error = Fenced() if self.is_taken_over.is_set() else self._errors.get(run_id)
        if error is not None:
            raise error

    def _may_be_pending(self, run_id: str) -> bool:
        """Return False if the state need not be asked whether a run is pending."""
        is_known = run_id in self._tasks or run_id in self._errors
        return not (is_known or self._closing or self.is_taken_over.is_set())

    def _is_pending(self, standing: RunStanding | None) -> bool:
        """Return whether a run is about to start here, or another process works on it or is about to."""
        if standing is None:
            return False
        if standing.owner == self.owner.id:
            return standing.status == RunStatus.QUEUED
        return self.shares and standing.status in ACTIVE_RUNS


def _new_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop. Raises OSError if too many files are open.

    On that error asyncio would also print a traceback when the half-made loop is deleted; so try to open as many files
    first.
    """
    tried: list[int] = []
    try:
        for _ in range(2):  # asyncio opens three files: a selector and a pair of sockets
            tried += os.pipe()
    finally:
        for handle in tried:
            os.close(handle)
    return asyncio.new_event_loop()


class _Calls:
    """The calls of other threads to the engine's loop: each is answered, or refused once the loop ends."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._gate = threading.Lock()
        self._refusal: StorageError | None = None
        self.open: set[concurrent.futures.Future[Any]] = set()

    def answer(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Return the result of a coroutine on the loop. Raises what it raises, and StorageError if the loop ends."""
        with self._gate:
            if self._refusal is not None:
                coroutine.close()
                raise self._refusal.with_traceback(None)
            future: concurrent.futures.Future[Result] = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
            self.open.add(future)
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise _ended() from None
        finally:
            self.open.discard(future)

    def refuse(self, refusal: StorageError) -> None:
        """Raise this for whatever comes."""
        self._refusal = refusal

    def require(self) -> None:
        """Raise StorageError if no call is answered."""
        if self._refusal is not None:  # the same error is raised each time: its traceback must not grow
            raise self._refusal.with_traceback(None)

    def end(self) -> None:
        """Refuse what is still open and what comes, and stop the loop."""
        with self._gate:
            self._refusal = _ended()
            for one in list(self.open):
                one.cancel()
            self._loop.call_soon_threadsafe(self._loop.stop)


def _ended() -> StorageError:
    return StorageError("The engine of this process has ended.", remedy="Start it again.")
