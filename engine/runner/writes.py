"""A write, once: claimed in the ledger before it is sent, its receipt after; in doubt it is looked for first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any
from weakref import WeakValueDictionary

from clients.errors import OutcomeUnknown, ServiceError
from engine.runner.attempts import Attempts, Done, Job, started
from engine.runner.fault_points import reached
from engine.runner.ledger import Entry, Ledger, Write
from engine.runner.outside_values import plain_json
from engine.step import Repeat
from engine.store.journal import JournalBroken

_log = logging.getLogger(__name__)
_CLAIM_POLL_SECONDS = 0.25


class Writes:
    """Makes writes; one at a time for each identity, and one at a time for each target."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime]) -> None:
        self._ledger, self._clock = ledger, clock
        self._locks: WeakValueDictionary[tuple[str, ...], asyncio.Lock] = WeakValueDictionary()

    async def make(self, job: Job) -> Done:
        """Write, or return what an earlier write with this identity gave. Raises ServiceError, JournalBroken."""
        assert job.write is not None
        assert job.account is not None
        target = (job.account.connection, job.step_type.target(job.fields))
        async with self._lock("identity", job.write.identity), self._lock("target", *target):
            known = await self._claim(job)
            if known.state == "done":
                return self._reused(job, known)
            try:
                return await self._made(job, known)
            except asyncio.CancelledError:
                if not job.may_be_out:
                    self._ledger.forget(job.write)
                raise

    def _lock(self, *name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())

    async def _claim(self, job: Job) -> Entry:
        """Claim the write; where another process is at it just now, wait for its receipt."""
        assert job.write is not None
        while True:
            known = await self._ledger.claim(job.write)
            job.write = replace(job.write, generation=known.generation)
            if known.state != "intent" or known.run_id == job.write.run_id:
                return known
            if job.is_owner_sure(known.run_id) and await self._ledger.take_over(job.write, known):
                return known
            await asyncio.sleep(_CLAIM_POLL_SECONDS)

    def _reused(self, job: Job, known: Entry) -> Done:
        assert job.write is not None
        effect = _effect(job.write, known.receipt, reused=True)
        if known.arguments_hash != job.write.arguments_hash:
            effect["note"] = "kept, arguments differ"
        return Done(known.output, effect)

    async def _made(self, job: Job, known: Entry) -> Done:
        assert job.write is not None
        attempts = Attempts(job, self._clock)
        if known.state == "new":
            return await self._send(job, attempts, known.intended_at)
        job.may_be_out = True
        if job.repeat is Repeat.FINDABLE:
            found = await self._looked_up(job, attempts, known.intended_at)
            if found is not None:
                return self._found(job, found)
            job.may_be_out = False
        elif job.repeat is not Repeat.SAFE:
            await self._ledger.question(job.write)
            raise _unknown(job)
        await self._ledger.sending(job.write)
        return await self._send(job, attempts, known.intended_at)

    async def _send(self, job: Job, attempts: Attempts, intended_at: datetime) -> Done:
        assert job.write is not None
        write = job.write
        try:
            return await self._until_done(job, attempts, intended_at)
        except ServiceError as error:
            if error.outcome == "not_done":
                await self._ledger.forget(write)
            elif job.repeat is Repeat.UNFINDABLE:
                await self._ledger.question(write)
                raise _unknown(job, error) from error
            raise
        except Exception:
            if job.repeat is Repeat.UNFINDABLE:
                await self._ledger.question(write)
            raise

    async def _until_done(self, job: Job, attempts: Attempts, intended_at: datetime) -> Done:
        """Send, and again where the last one certainly did not arrive or twice is the same as once."""
        while True:
            try:
                output = await self._send_once(job, attempts.begin(), intended_at)
            except ServiceError as error:
                attempts.failed(error)
                failed = error
            except Exception as error:
                attempts.failed(error)
                raise
            else:
                return self._recorded(job, output)
            if failed.outcome == "unknown" and job.repeat is Repeat.FINDABLE:
                found = await self._looked_up(job, attempts, intended_at, failed)
                if found is not None:
                    return self._found(job, found)
                failed.outcome = "not_done"
            job.may_be_out = failed.outcome != "not_done"
            if not attempts.may_follow(failed) or (job.may_be_out and job.repeat is not Repeat.SAFE):
                raise failed
            await attempts.pause(failed)

    async def _send_once(self, job: Job, number: int, intended_at: datetime) -> Any:
        call = job.call(number, self._clock(), intended_at)
        job.may_be_out = True
        reached("before effect")
        future = started(job, lambda: plain_json(job.step_type.call(call)))
        try:
            output = await asyncio.shield(future)
            reached("after effect")
            return output
        except asyncio.CancelledError:
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
            await self._ledger.record(job.write, _receipt(job, output), output)
        except ServiceError as error:
            job.may_be_out = error.outcome != "not_done"
        except JournalBroken:
            raise
        except Exception:  # noqa: BLE001 - the run has ended: the log is the only place left to say it
            _log.exception("%s broke down after its run was stopped", job.step_type.name)

    async def _looked_up(
        self, job: Job, attempts: Attempts, intended_at: datetime, sent: ServiceError | None = None
    ) -> Any:
        """Look for a write that may have arrived, with the attempts that are left, until the service answers.

        Returns its output, None where it is certainly not there. Where nobody answers it raises what sending it met
        (`sent`), or else the last look-up: the outcome stays unknown, and nothing may be sent.
        """
        while True:
            attempts.begin()
            try:
                return await self._look_up(job, intended_at)
            except ServiceError as error:
                error.outcome = "unknown"  # of the write: that a look-up does nothing is no comfort
                attempts.failed(error)
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
        call = job.call(0, self._clock(), intended_at)
        return await started(job, lambda: plain_json(job.step_type.find(call)))

    def _found(self, job: Job, output: Any) -> Done:
        done = self._recorded(job, output)
        assert done.effect is not None
        return Done(output, {**done.effect, "found": True})

    def _recorded(self, job: Job, output: Any) -> Done:
        """Put the receipt into the ledger: on disk with the caller's next commit."""
        assert job.write is not None
        receipt = _receipt(job, output)
        self._ledger.record(job.write, receipt, output)
        return Done(output, _effect(job.write, receipt, reused=False))


def _receipt(job: Job, output: Any) -> dict[str, str]:
    receipt = job.step_type.receipt(output)
    return {"id": receipt.id, "url": receipt.url}


def _effect(write: Write, receipt: Mapping[str, str] | None, *, reused: bool) -> dict[str, Any]:
    effect = {"identity": write.identity, "outcome": "done", "reused": reused, "receipt": receipt}
    return {**effect, "generation": write.generation} if write.generation else effect


def _unknown(job: Job, cause: ServiceError | None = None) -> OutcomeUnknown:
    assert job.write is not None
    because = f" ({cause.message})" if cause else ""
    return OutcomeUnknown(
        f"{job.step_type.title}: it was sent, and nobody can tell whether it arrived{because}.",
        service=job.account.service if job.account else "",
        remedy=(
            "Look at the service yourself, then say so: "
            f"`orchestra runs resume {job.write.run_id} --as-done` or `--redo`."
        ),
    )
