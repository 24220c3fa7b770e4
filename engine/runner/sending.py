"""A write on its way: sent, looked for where its fate is not known, and sent again only where that is right."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from clients.errors import OutcomeUnknown, ServiceError
from engine.runner.attempts import Attempts, Done, Job, started
from engine.runner.fault_points import reached
from engine.runner.holds import asks_to_wait
from engine.runner.ledger import Ledger, Others, Write
from engine.step import Call, Repeat
from engine.store.journal import JournalBroken

_log = logging.getLogger(__name__)

_TWIN = "Another run was to make the same at the same time, and nobody knows whether it did: what is there may be its."

Work = Callable[[Call], Any]
"""What makes the write: the step's `call`, or its `update`."""


class Sending:
    """Sends writes that are claimed already."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime]) -> None:
        self._ledger, self._clock = ledger, clock

    async def until_done(self, job: Job, attempts: Attempts, intended_at: datetime, work: Work) -> Done:
        """Send, and again where the last one certainly did not arrive or twice is the same as once.

        Raises ServiceError with the outcome of the write, JournalBroken where another process has taken over.
        """
        is_doubtful = False
        while True:
            try:
                output = await self._send_once(job, attempts.begin(), intended_at, work)
            except ServiceError as error:
                if not asks_to_wait(error):
                    attempts.failed(error)
                failed = error
            except Exception as error:
                attempts.failed(error)
                raise
            else:
                return self.recorded(job, output)
            if failed.outcome == "unknown" and job.repeat is Repeat.FINDABLE:
                found = await self.looked_up(job, attempts, intended_at, failed)
                if found is not None:
                    return self.found(job, found)
                failed.outcome = "not_done"
            # What an earlier attempt may have done, a later one that was refused does not take back.
            is_doubtful = job.may_be_out = is_doubtful or failed.outcome != "not_done"
            if is_doubtful:
                failed.outcome = "unknown"
            if not _may_be_sent_again(job, attempts, failed):
                raise failed
            await attempts.pause(failed)
            await self._ledger.still_ours()

    async def _send_once(self, job: Job, number: int, intended_at: datetime, work: Work) -> Any:
        call = job.call(number, self._clock(), intended_at)
        if call.is_again:
            call.made_by_others = (await self._others(job, intended_at)).made
        was_out, turn = job.may_be_out, threading.Lock()
        job.may_be_out = True
        reached("before effect")
        future = started(job, lambda: _unless_withdrawn(turn, lambda: job.plain(work(call))))
        try:
            output = await asyncio.shield(future)
            reached("after effect")
            return output
        except asyncio.CancelledError:
            if turn.acquire(blocking=False):  # it stood in line for a thread, and none will begin with it any more
                job.may_be_out = was_out
                future.cancel()
            else:
                await self._settle_late(job, future)
            raise

    async def _settle_late(self, job: Job, future: asyncio.Future[Any]) -> None:
        """Wait for a write in flight, which its deadline bounds, so that its receipt is not lost.

        A second cancellation (of a time limit further out) does not break off the wait.
        """
        settling = asyncio.ensure_future(self._settled(job, future))
        while not settling.done():
            with suppress(asyncio.CancelledError):
                await asyncio.shield(settling)

    async def _settled(self, job: Job, future: asyncio.Future[Any]) -> None:
        assert job.write is not None
        try:
            output = await future
            receipt = _receipt(job, output)
            await self._ledger.record(job.write, receipt, output)
            job.settled = Done(output, effect(job.write, receipt, reused=False))
        except ServiceError as error:
            job.may_be_out = error.outcome != "not_done"
        except JournalBroken:
            raise
        except Exception:  # noqa: BLE001 - the run has ended: the log is the only place left to say it
            _log.exception("%s broke down after its run was stopped", job.step_type.name)

    async def looked_up(
        self, job: Job, attempts: Attempts, intended_at: datetime, sent: ServiceError | None = None
    ) -> Any:
        """Look for a write that may have arrived, with the attempts that are left, until the service answers.

        Returns its output, None where it is certainly not there. Where nobody answers it raises what sending it met
        (`sent`), or else the last look-up: the outcome stays unknown, and nothing may be sent. OutcomeUnknown says
        that no further look would tell either.
        """
        while True:
            attempts.begin()
            try:
                return await self._look_up(job, intended_at)
            except ServiceError as error:
                error.outcome = "unknown"  # of the write: that a look-up does nothing is no comfort
                if asks_to_wait(error):
                    raise
                attempts.failed(error)
                if isinstance(error, OutcomeUnknown):  # the service answers, and still nobody can tell
                    raise
                if not attempts.may_follow(error):
                    raise (sent or error) from None
                failed = error
            await attempts.pause(failed)

    async def _look_up(self, job: Job, intended_at: datetime) -> Any:
        """Look now, and once more after the time for which the service may hide a fresh write."""
        found = await self._look(job, intended_at)
        if found is None and job.step_type.lag_seconds > 0:
            age = (self._clock() - intended_at).total_seconds()
            if age < job.step_type.lag_seconds + job.timeout_seconds:
                await asyncio.sleep(job.step_type.lag_seconds)
            found = await self._look(job, intended_at)
        return found

    async def _look(self, job: Job, intended_at: datetime) -> Any:
        others = await self._others(job, intended_at)
        call = replace(job.call(0, self._clock(), intended_at), made_by_others=others.made)
        found = await started(job, lambda: job.plain(job.step_type.find(call)))
        if found is not None and others.is_twin_open:
            raise OutcomeUnknown(_TWIN)
        return found

    async def _others(self, job: Job, intended_at: datetime) -> Others:
        """Tell what other writes have made that looks like this one."""
        if job.write is None or job.repeat is not Repeat.FINDABLE or job.step_type.is_marked(job.fields):
            return Others()
        return await self._ledger.others(job.write, intended_at)

    def found(self, job: Job, output: Any) -> Done:
        """Keep the receipt of a write that a look-up found."""
        done = self.recorded(job, output)
        assert done.effect is not None
        return Done(output, {**done.effect, "found": True})

    def recorded(self, job: Job, output: Any) -> Done:
        """Put the receipt into the ledger: on disk with the caller's next commit."""
        assert job.write is not None
        receipt = _receipt(job, output)
        self._ledger.record(job.write, receipt, output)
        return Done(output, effect(job.write, receipt, reused=False))


def _unless_withdrawn(turn: threading.Lock, work: Callable[[], Any]) -> Any:
    """Do the work if this thread is the first to take the turn; else nobody waits for it."""
    return work() if turn.acquire(blocking=False) else None


def _may_be_sent_again(job: Job, attempts: Attempts, failed: ServiceError) -> bool:
    if asks_to_wait(failed) or not attempts.may_follow(failed):
        return False
    return not job.may_be_out or job.repeat is Repeat.SAFE


def _receipt(job: Job, output: Any) -> dict[str, str]:
    receipt = job.step_type.receipt(output)
    return {"id": receipt.id, "url": receipt.url}


def effect(write: Write, receipt: Mapping[str, str] | None, *, reused: bool) -> dict[str, Any]:
    """Return what the run's log tells of a write (docs/files.md: Run)."""
    told = {"identity": write.identity, "outcome": "done", "reused": reused, "receipt": receipt}
    return {**told, "generation": write.generation} if write.generation else told
