"""Send claimed writes, look up those with an unknown outcome, and retry only if that is safe.

After an error, a write is either *not done* or *unknown* (a timeout after the request was sent). Only
"not done" may simply be sent again. An unknown write is sent again if twice is the same as once, looked up first
if the service can find it, and otherwise left to a person. Once an attempt is in doubt, a later attempt that was
refused does not remove the doubt.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from clients.errors import OutcomeUnknown, ServiceError
from engine.base.errors import BudgetExceeded
from engine.plugins.step import Call, NotWanted, Repeat
from engine.record.types.step import ReceiptRecord, StepEffect
from engine.runner.effects.fault_points import reached
from engine.runner.effects.job import Done, Job
from engine.runner.effects.ledger import Ledger, OtherWrites
from engine.runner.effects.rate_limit_waits import asks_to_wait
from engine.runner.effects.retry import RetryAttempts, started
from engine.store.journal import JournalBroken
from engine.store.ledger import IntendedWrite

_log = logging.getLogger(__name__)

_TWIN = "Another run was making the same write; its outcome is unknown, so the existing object may be its own."

_UNSENT = object()
_UNCERTAIN_SECONDS = 0.2  # how often it looks whether this process still owns its runs

Work = Callable[[Call], Any]
"""The function that makes the write: the step's `call` or `update`."""


class Delivery:
    """A claimed write on its way to its service."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Callable[[], datetime],
        job: Job,
        intended_at: datetime,
        may_send: Callable[[], bool] = lambda: True,
    ) -> None:
        assert job.write is not None
        self._may_send = may_send
        self._ledger, self._clock, self._job, self._write = ledger, clock, job, job.write
        self._intended_at = intended_at
        self._attempts = RetryAttempts(job, clock)
        self.may_be_out = False
        """Whether the service may have received the write, so that its intent must stay in the ledger."""
        self.is_resent = False
        """Whether the write was claimed before, so that another process may have sent it."""
        self.settled: Done | None = None
        """The result of a write that finished after its step had been cancelled."""

    async def until_done(self, work: Work) -> Done:
        """Send, and retry if the last attempt certainly did not arrive or twice is the same as once.

        Raises ServiceError with the outcome of the write, and JournalBroken if another process has taken over.
        """
        is_doubtful = self.may_be_out
        while True:
            try:
                output = await self._send_once(self._attempts.begin(), work)
            except ServiceError as error:
                self._count(error)
                failed = error
            except Exception as error:
                self._count(error)
                raise
            else:
                return self.recorded(output)
            if failed.outcome == "unknown" and self._job.repeat is Repeat.FINDABLE:
                found = await self.looked_up(failed)
                if found is not None:
                    return self.found(found)
                failed.outcome = "not_done"
            # A refused attempt does not undo what an earlier one may have done.
            is_doubtful = self.may_be_out = is_doubtful or failed.outcome != "not_done"
            if is_doubtful:
                failed.outcome = "unknown"
            if not self._may_be_sent_again(failed):
                raise failed
            await self._attempts.pause(failed)
            await self._ledger.effects.still_ours()

    def _count(self, error: Exception) -> None:
        """Count a failed attempt. What has sent nothing is none: a wait before it, a write that nobody wants now."""
        if not asks_to_wait(error) and not isinstance(error, BudgetExceeded | NotWanted):
            self._attempts.failed(error)

    async def _send_once(self, number: int, work: Work) -> Any:
        call = self._attempts.call(number, self._intended_at)
        call.is_resent = self.is_resent
        if call.is_again:
            call.made_by_others = (await self._others()).made
        reached("before effect")
        while (output := await self._sent(call, work)) is _UNSENT:
            await self._ledger.effects.still_ours()
            await asyncio.sleep(_UNCERTAIN_SECONDS)
        reached("after effect")
        return output

    async def _sent(self, call: Call, work: Work) -> Any:
        """Send, and return the output; `_UNSENT` if this process, when a thread was free, may have been taken over."""
        was_out, turn = self.may_be_out, threading.Lock()
        self.may_be_out = True

        def send() -> Any:
            return self._job.plain(work(call)) if self._may_send() else _UNSENT

        future = started(self._job, lambda: _unless_withdrawn(turn, send))
        try:
            output = await asyncio.shield(future)
            if output is _UNSENT:
                self.may_be_out = was_out
            return output
        except asyncio.CancelledError:
            if turn.acquire(blocking=False):  # still queued for a thread, and now no thread will start it
                self.may_be_out = was_out
                future.cancel()
            else:
                await self._settle_late(future, was_out=was_out)
            raise

    async def _settle_late(self, future: asyncio.Future[Any], *, was_out: bool) -> None:
        """Wait for a write in flight (its deadline bounds the wait), so that its receipt is not lost.

        A second cancellation, by an outer time limit, does not interrupt the wait.
        """
        settling = asyncio.ensure_future(self._settled(future, was_out=was_out))
        while not settling.done():
            with suppress(asyncio.CancelledError):
                await asyncio.shield(settling)

    async def _settled(self, future: asyncio.Future[Any], *, was_out: bool) -> None:
        try:
            output = await future
            if output is _UNSENT:
                self.may_be_out = was_out
                return
            receipt = self._receipt(output)
            await self._ledger.record(self._write, receipt, output)
            self.settled = self._attempts.done(output, effect(self._write, receipt, reused=False))
        except ServiceError as error:
            self.may_be_out = was_out or error.outcome != "not_done"
        except JournalBroken:
            raise
        except Exception:  # noqa: BLE001 - the run has ended: only the log can still report it
            _log.exception("%s broke down after its run was stopped", self._job.step_type.name)

    async def looked_up(self, sent: ServiceError | None = None) -> Any:
        """Look up a write that may have arrived, using the remaining attempts, until the service answers.

        Returns its output, or None if it certainly does not exist. If the service does not answer, raises the error of
        the send (`sent`), else the error of the last look-up: the outcome stays unknown, and nothing may be sent.
        OutcomeUnknown means that looking again would not help.
        """
        while True:
            self._attempts.begin()
            try:
                return await self._look_up()
            except ServiceError as error:
                error.outcome = "unknown"  # the outcome of the write, although the look-up itself does nothing
                if asks_to_wait(error):
                    raise
                self._attempts.failed(error)
                if isinstance(error, OutcomeUnknown):  # the service answered, and the outcome is still unclear
                    raise
                if not self._attempts.may_follow(error):
                    raise (sent or error) from None
                failed = error
            await self._attempts.pause(failed)

    async def _look_up(self) -> Any:
        """Look now, and once more after the delay with which the service shows new writes."""
        found, lag_seconds = await self._look(), self._job.step_type.lag_seconds
        if found is None and lag_seconds > 0:
            # The request may have left as late as a time limit after the intent; an older one would show by now.
            age = (self._clock() - self._intended_at).total_seconds()
            if age < lag_seconds + self._job.timeout_seconds:
                await asyncio.sleep(lag_seconds)
            found = await self._look()
        return found

    async def _look(self) -> Any:
        others = await self._others()
        call = replace(self._attempts.call(0, self._intended_at), made_by_others=others.made)
        found = await started(self._job, lambda: self._job.plain(self._job.step_type.find(call)))
        if found is not None and others.is_twin_open:
            raise OutcomeUnknown(_TWIN)
        return found

    async def _others(self) -> OtherWrites:
        """Return what other writes have made that could be mistaken for this one."""
        if self._job.repeat is not Repeat.FINDABLE or self._job.step_type.is_marked(self._job.fields):
            return OtherWrites()
        return await self._ledger.others(self._write, self._intended_at)

    def found(self, output: Any) -> Done:
        """Record the receipt of a write found by a look-up."""
        done = self.recorded(output)
        assert done.effect is not None
        return replace(done, effect={**done.effect, "found": True})

    def recorded(self, output: Any) -> Done:
        """Record the receipt in the ledger; the caller's next commit puts it on disk."""
        receipt = self._receipt(output)
        self._ledger.record(self._write, receipt, output)
        return self._attempts.done(output, effect(self._write, receipt, reused=False))

    def _receipt(self, output: Any) -> ReceiptRecord:
        receipt = self._job.step_type.receipt(output)
        return {"id": receipt.id, "url": receipt.url}

    def _may_be_sent_again(self, failed: ServiceError) -> bool:
        if asks_to_wait(failed) or not self._attempts.may_follow(failed):
            return False
        return not self.may_be_out or self._job.repeat is Repeat.SAFE


def _unless_withdrawn(turn: threading.Lock, work: Callable[[], Any]) -> Any:
    """Do the work if this thread takes the turn first; otherwise the caller has withdrawn it."""
    return work() if turn.acquire(blocking=False) else None


def effect(write: IntendedWrite, receipt: ReceiptRecord | None, *, reused: bool) -> StepEffect:
    """Return what the run's log records about a write (docs/files.md: Run)."""
    told: StepEffect = {"identity": write.identity, "outcome": "done", "reused": reused, "receipt": receipt}
    return {**told, "generation": write.generation} if write.generation else told
