"""The engine's own thread and loop in a process: it starts, adopts, wakes and ends the runs that the process owns."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from engine.connections.accounts import Accounts
from engine.errors import InUse, StorageError
from engine.names import timestamp
from engine.runner.attempts import Job
from engine.runner.calls import Calls
from engine.runner.execution import Ending, Equipment, Execution
from engine.runner.ledger import Ledger
from engine.runner.live import Live
from engine.runner.log_writer import LogWriter
from engine.runner.lookout import Lookout
from engine.runner.plan_cache import PlanCache
from engine.runner.recording import ENGINE
from engine.runner.senders import Senders
from engine.runner.undoing import Undoing
from engine.runner.writes import Writes
from engine.runs.run_log import RunLogs
from engine.runs.told import told_arguments
from engine.step import Written
from engine.store.acceptances import Acceptances
from engine.store.database import Database
from engine.store.journal import Journal, JournalBroken
from engine.store.owners import Fenced, Owner
from engine.store.run_rows import RunRows

Result = TypeVar("Result")

_log = logging.getLogger(__name__)
_TO_BEGIN = "SELECT 1 FROM runs WHERE run_id = ? AND owner = ? AND status = 'queued' AND ended_at IS NULL"
_STALLED_SECONDS = 5.0
_CLOSE_SECONDS = 5.0
_IN_LINE_SECONDS = 0.05


class Host:
    """Owns runs. Methods may be called from any thread unless they say otherwise."""

    def __init__(
        self,
        database: Database,
        owner: Owner,
        accounts: Accounts,
        logs: RunLogs,
        clock: Callable[[], datetime],
        live: Live | None = None,
    ) -> None:
        self.owner, self.live = owner, live
        self.rows = RunRows(database)
        self.acceptances = Acceptances(database, owner.id)
        self.plans = PlanCache()
        self.database, self.accounts, self._clock = database, accounts, clock
        self._logs = logs.written_through(owner.writing)
        self._executions: dict[str, Execution] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._errors: dict[str, Exception] = {}
        self._held: set[str] = set()
        """Runs on which nothing is begun now: they are being given another definition."""
        self._closing = False
        self.is_taken_over = threading.Event()
        """Set once another process has taken over the runs of this one: it does nothing more."""
        self.on_idle: Callable[[], None] = _nothing
        """Called on the loop whenever the work on a run is over."""
        self.on_adopted: Callable[[], None] = _nothing
        """Called on the loop when runs were taken over that wait for their turns."""
        self._loop = _new_loop()
        self._thread = threading.Thread(target=self._run_loop, name="engine", daemon=True)
        self._thread.start()
        self._call(self._open())

    # --- for the faces

    def start(self, run_id: str, by: str = ENGINE) -> None:
        """Work on a run that this process owns."""
        self._loop.call_soon_threadsafe(self._execute, run_id, by)

    def go_on(self, run_id: str, by: str) -> None:
        """Work on a run that this process owns; runs that are put away until it has ended come along."""
        caller = self.rows.caller(run_id)
        while caller is not None and caller.status == "waiting" and self.owner.take(caller.run_id):
            caller = self.rows.caller(caller.run_id)
        self.start(run_id, by)

    def begin(self, acceptances: Sequence[Mapping[str, Any]]) -> None:
        """Work on runs that were just accepted for this process: nothing of them need be read."""
        self._loop.call_soon_threadsafe(self._begin, acceptances)

    def adopt_from_now_on(self) -> list[str]:
        """Take over the runs of dead processes, now and whenever one dies; return the ids of those of now."""
        self._lookout.adopts = True
        return self._call(self._lookout.adopt(self.owner.adopt))

    def adopt_all(self) -> list[str]:
        """Go on with the runs of dead processes and with those that were interrupted; return their ids."""
        return self._call(self._lookout.adopt(self.owner.adopt_all))

    def wait(self, run_id: str, seconds: float | None) -> None:
        """Wait until this process has nothing more to do for the run (it ended, waits, or time is up).

        Raises StorageError where what happened could not be stored, Fenced where another process has taken over.
        """
        future = asyncio.run_coroutine_threadsafe(self._idle(run_id, seconds), self._loop)
        future.result()

    def end(self, run_id: str, how: Ending) -> bool:
        """End a run that this process works on; False where it does not."""

        async def end() -> bool:
            execution = self._executions.get(run_id)
            if execution is not None:
                execution.end(how)
            return execution is not None

        return self._call(end())

    def wait_if_ending(self, run_id: str) -> None:
        """Wait for a run that is being cancelled or interrupted here: only then is it known how it can go on."""

        async def ended() -> None:
            execution = self._executions.get(run_id)
            if execution is not None and execution.is_ending:
                await asyncio.wait([self._tasks[run_id]])

        self._call(ended())

    @contextmanager
    def held(self, run_id: str) -> Iterator[None]:
        """Begin no work on a run meanwhile. Raises InUse where it is at work here, or held already."""

        async def hold() -> bool:
            is_free = run_id not in self._tasks and run_id not in self._held
            if is_free:
                self._held.add(run_id)
            return is_free

        async def let_go() -> None:
            self._held.discard(run_id)

        if not self._call(hold()):
            remedy = "Wait until it has ended, or cancel it first."
            raise InUse(f"Run {run_id} is at work; it goes on as it is.", remedy=remedy)
        try:
            yield
        finally:
            self._call(let_go())

    def answer(self, change: Callable[[sqlite3.Cursor], Any]) -> Any:
        """Run a change of the ledger inside the journal's next transaction."""

        async def answer() -> Any:
            return await self._journal.change(change)

        try:
            return self._call(answer())
        except JournalBroken as broken:
            raise broken.error from broken

    def undo(self, job: Job, written: Written) -> None:
        """Take a write back in its service and tell the ledger. Raises CannotUndo, ServiceError, StorageError."""
        try:
            self._call(self._undoing.undo(job, written))
        except JournalBroken as broken:
            raise broken.error from broken

    def check(self) -> None:
        """Make sure that the loop answers and this process still owns its runs. Raises StorageError, Fenced."""
        self.answer(lambda cursor: None)

    def close(self) -> None:
        """Stop working: runs that are not ended stay for the next process to adopt."""
        if self._closing:
            return
        self._closing = True
        is_idle = self._call(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=_CLOSE_SECONDS)
        if is_idle:  # else the lock is held for as long as this process may still send something
            self.owner.release()

    # --- for runs that call others and for the lookout, on the loop

    def task_of(self, run_id: str) -> asyncio.Task[None] | None:
        """Return the work on a run, None where this process does not work on it now."""
        return self._tasks.get(run_id)

    def end_here(self, run_id: str, how: Ending) -> None:
        """End a run if this process works on it."""
        execution = self._executions.get(run_id)
        if execution is not None:
            execution.end(how)

    def is_at_work_on(self, run_id: str) -> bool:
        """Tell whether this process works on a run now."""
        return run_id in self._executions

    def take_up(self, run_id: str) -> None:
        """Go on with a run that this process owns, as the engine does by itself."""
        self._execute(run_id, ENGINE)

    def look_at_fence(self) -> None:
        """Stop at once where another process has taken over: what this one still did might be done twice."""
        if not self.is_taken_over.is_set() and not self._journal.is_ours():
            _log.warning("%s", Fenced())
            self.is_taken_over.set()
            self._stop_all()

    # --- on the loop

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    def _call(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        future: concurrent.futures.Future[Result] = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        return future.result()

    async def _open(self) -> None:
        self._journal = Journal(self.database, self.owner.id)
        writes = self._writes()
        self._undoing = Undoing(writes, self._journal, self._clock)
        self._equipment = Equipment(
            journal=self._journal,
            calls=Calls(writes, self._clock, self.live),
            accounts=self.accounts,
            logs=self._logs,
            log_writer=self._log_writer(),
            clock=self._clock,
            plans=self.plans,
            host=self,
        )
        self._lookout = Lookout(self.database, self._journal, self.owner, self._clock, self)
        self._lookout.begin()

    def _log_writer(self) -> LogWriter:
        """Return what writes the logs. Raises StorageError, Fenced where others took over before it had begun."""
        try:
            return LogWriter(self._logs)
        except StorageError:
            if self._journal.is_ours():
                raise
            raise Fenced from None  # it is their doing that the folder is gone

    def _writes(self) -> Writes:
        senders = Senders(self.rows, self.owner, self._clock)
        arguments_of = partial(told_arguments, self.rows, self._logs)
        return Writes(Ledger(self._journal, self._clock), self._clock, senders.state_of, arguments_of)

    async def _shut(self) -> bool:
        """Stop all work; return whether it has stopped."""
        self._lookout.close()
        self._stop_all()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=_CLOSE_SECONDS)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._equipment.log_writer.finished(), _CLOSE_SECONDS)
        self._journal.close()
        return not self._tasks

    def _stop_all(self) -> None:
        for execution in list(self._executions.values()):
            execution.end("stopped")

    def _execute(self, run_id: str, by: str) -> None:
        if run_id in self._tasks or run_id in self._held or self._closing or self.is_taken_over.is_set():
            return
        try:
            execution = self._execution(run_id, by)
        except StorageError as error:
            self._stalled(run_id, error)
            return
        if execution is not None:
            self._take_up(execution)

    def _begin(self, acceptances: Sequence[Mapping[str, Any]]) -> None:
        if not self._closing and not self.is_taken_over.is_set():
            for one in acceptances:
                self._take_up(Execution(self._equipment, one, [], ENGINE))

    def _take_up(self, execution: Execution) -> None:
        run_id = execution.run_id
        self._errors.pop(run_id, None)
        self._executions[run_id] = execution
        self._tasks[run_id] = asyncio.ensure_future(self._work(execution))

    def _execution(self, run_id: str, by: str) -> Execution | None:
        row, events = self.rows.with_events(run_id)
        if row is None or row.acceptance is None or row.owner != self.owner.id:
            return None
        execution = Execution(self._equipment, json.loads(row.acceptance), events, by)
        if row.cancel_requested:
            execution.end("cancelled")
        return execution

    async def _work(self, execution: Execution) -> None:
        try:
            await execution.run()
        except (StorageError, JournalBroken) as error:
            self._stalled(execution.run_id, error.error if isinstance(error, JournalBroken) else error)
        except Exception:  # noqa: BLE001 - the loop must live on for the other runs
            _log.exception("run %s broke down", execution.run_id)
        finally:
            self._executions.pop(execution.run_id, None)
            self._tasks.pop(execution.run_id, None)
            self._wake(execution.may_wake)
            self.on_idle()

    def _wake(self, run_ids: Sequence[str]) -> None:
        """Go on at once with those of the runs that are put away here and already due."""
        if self._closing or not run_ids:
            return
        places = ", ".join("?" * len(run_ids))
        due = f"SELECT run_id FROM runs WHERE run_id IN ({places}) AND owner = ? AND status = 'waiting' AND due_at <= ?"  # noqa: S608
        with suppress(StorageError):  # looked at again soon
            for (run_id,) in self._journal.read(due, (*run_ids, self.owner.id, timestamp(self._clock()))):
                self._execute(run_id, ENGINE)

    def _stalled(self, run_id: str, error: Exception) -> None:
        """Keep the error for those who wait; try again later unless another process has the run now."""
        self._errors[run_id] = error
        if isinstance(error, Fenced):
            self.look_at_fence()
        elif not self._closing:
            _log.error("run %s is stopped: %s", run_id, error)
            self._loop.call_later(_STALLED_SECONDS, self._execute, run_id, ENGINE)

    async def _idle(self, run_id: str, seconds: float | None) -> None:
        ends_at = None if seconds is None else self._loop.time() + seconds
        while self._is_to_begin(run_id) and (ends_at is None or self._loop.time() < ends_at):  # noqa: ASYNC110
            await asyncio.sleep(_IN_LINE_SECONDS)
        while (task := self._tasks.get(run_id)) is not None:  # one that is put away may be due already
            left = None if ends_at is None else ends_at - self._loop.time()
            if left is not None and left <= 0:
                break
            await asyncio.wait([task], timeout=left)
        self.look_at_fence()
        error = Fenced() if self.is_taken_over.is_set() else self._errors.get(run_id)
        if error is not None:
            raise error

    def _is_to_begin(self, run_id: str) -> bool:
        """Tell whether a run of this process waits for its turn, or is about to begin."""
        if run_id in self._tasks or run_id in self._errors or self._closing or self.is_taken_over.is_set():
            return False
        return bool(self._journal.read(_TO_BEGIN, (run_id, self.owner.id)))


def _new_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop. Raises OSError where too many files are open.

    asyncio would tell that a second time, with a traceback, when the half of a loop is cleared away: so it is tried
    with as many files before.
    """
    tried: list[int] = []
    try:
        for _ in range(2):
            tried += os.pipe()
    finally:
        for handle in tried:
            os.close(handle)
    return asyncio.new_event_loop()


def _nothing() -> None:
    """Do nothing."""
