"""One call of one step, however often it takes: attempts, deadlines, and the ledger around every write."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from weakref import WeakValueDictionary

from clients.errors import OutcomeUnknown, ServiceError, Timeout
from clients.transport import deadline
from engine.compiler.plan import Retry
from engine.connections.accounts import Account
from engine.runner.ledger import Entry, Ledger, Write
from engine.runner.outside_values import plain_json
from engine.step import Call, Effect, Repeat, StepType, Usage, WaitUntil
from engine.store.journal import JournalBroken

_log = logging.getLogger(__name__)
_DEFAULT_RETRY = Retry(attempts=3, backoff_seconds=1.0)
_LONGEST_BACKOFF = 60.0
_READ_GRACE_SECONDS = 2.0
_CLAIM_POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Attempt:
    """One failed attempt."""

    started_at: datetime
    ended_at: datetime
    error: ServiceError


@dataclass
class Job:
    """A call to be made."""

    step_type: StepType
    fields: Any
    effect: Effect
    repeat: Repeat | None
    retry: Retry | None
    timeout_seconds: float
    account: Account | None
    prompts: Mapping[str, Any]
    render: Callable[[Any, Mapping[str, Any]], list[dict[str, str]]]
    on_attempt: Callable[[Attempt], None]
    write: Write | None = None
    is_owner_sure: Callable[[str], bool] = lambda _run_id: True
    """Whether no other process can be at work on the run that holds a claim."""
    may_be_out: bool = False
    """Whether the service may have got the write, so that its intent must stay in the ledger."""
    usage: Usage = field(default_factory=Usage)
    request: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """How a call ended well."""

    output: Any
    effect: dict[str, Any] | None = None


class Calls:
    """Makes calls; on the engine's loop, with the blocking part in the account's threads."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime]) -> None:
        self._ledger, self._clock = ledger, clock
        self._locks: WeakValueDictionary[tuple[str, ...], asyncio.Lock] = WeakValueDictionary()

    async def make(self, job: Job) -> Done | WaitUntil:
        """Make the call. Raises ServiceError and what the step itself raises."""
        if job.effect is Effect.WRITES:
            return await self._write(job)
        if job.account is None:
            result = job.step_type.call(self._call(job, 1))
            return result if isinstance(result, WaitUntil) else Done(plain_json(result))
        return Done(await self._attempts(job, lambda number: self._read(job, number), _is_retryable))

    async def ask(self, job: Job, question: Callable[[], Any]) -> Any:
        """Read what a call needs beforehand (blocking), within its time and with its retries. Raises ServiceError."""
        return await self._attempts(job, lambda _: self._in_time(job, question), _is_retryable)

    def _call(self, job: Job, number: int, intended_at: datetime | None = None) -> Call:
        return Call(
            fields=job.fields,
            client=job.account.client if job.account else None,
            marker=job.write.marker if job.write else "",
            intended_at=intended_at,
            attempt=number,
            started_at=self._clock(),
            prompts=job.prompts,
            render=job.render,
            usage=job.usage,
            request=job.request,
        )

    async def _attempts(
        self, job: Job, attempt: Callable[[int], Awaitable[Any]], may_repeat: Callable[[Job, ServiceError], bool]
    ) -> Any:
        retry = job.retry or _DEFAULT_RETRY
        number = 1
        while True:
            started_at = self._clock()
            try:
                return await attempt(number)
            except ServiceError as error:
                job.on_attempt(Attempt(started_at, self._clock(), error))
                if number >= retry.attempts or not may_repeat(job, error) or not _fits(job, error):
                    raise
                wait = _backoff(retry, number, error)
            await asyncio.sleep(wait)
            number += 1

    async def _read(self, job: Job, number: int) -> Any:
        call = self._call(job, number)
        return await self._in_time(job, lambda: plain_json(job.step_type.call(call)))

    async def _in_time(self, job: Job, work: Callable[[], Any]) -> Any:
        """Do a read in a thread; a thread that does not come back in time is left to itself."""
        assert job.account is not None
        try:
            async with asyncio.timeout(job.timeout_seconds + _READ_GRACE_SECONDS):
                return await _started(job, work)
        except TimeoutError as error:
            raise Timeout(
                f"No answer within {job.timeout_seconds:g} s.", service=job.account.service, outcome="not_done"
            ) from error

    # --- writes

    async def _write(self, job: Job) -> Done:
        """Write once: one at a time for each identity, and one at a time for each target."""
        assert job.write is not None
        assert job.account is not None
        target = (job.account.connection, job.step_type.target(job.fields))
        async with self._lock("identity", job.write.identity), self._lock("target", *target):
            known = await self._claim(job)
            if known is not None and known.state == "done":
                return self._reused(job, known)
            try:
                return await (self._send(job, self._clock()) if known is None else self._continue(job, known))
            except asyncio.CancelledError:
                if not job.may_be_out:
                    self._ledger.forget(job.write)
                raise

    def _lock(self, *name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())

    async def _claim(self, job: Job) -> Entry | None:
        """Claim the write; where another process is at it just now, wait for its receipt."""
        assert job.write is not None
        while True:
            known = await self._ledger.claim(job.write)
            if known is None or known.state != "intent" or known.run_id == job.write.run_id:
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

    async def _continue(self, job: Job, known: Entry) -> Done:
        """Go on where an earlier attempt left no answer: look first, send only what is certainly not there."""
        assert job.write is not None
        job.may_be_out = True
        if job.repeat is Repeat.FINDABLE:
            found = await self._attempts(job, lambda _: self._look_up(job, known.intended_at), _is_retryable)
            if found is not None:
                return self._found(job, found)
            job.may_be_out = False
        elif job.repeat is not Repeat.SAFE:
            await self._ledger.question(job.write)
            raise _unknown(job)
        await self._ledger.sending(job.write)
        return await self._send(job, known.intended_at)

    async def _send(self, job: Job, intended_at: datetime) -> Done:
        assert job.write is not None
        write = job.write
        try:
            found, output = await self._attempts(
                job, lambda number: self._send_once(job, number, intended_at), _may_send_again
            )
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
        return self._found(job, output) if found else self._recorded(job, output)

    async def _send_once(self, job: Job, number: int, intended_at: datetime) -> tuple[bool, Any]:
        """Send; after an answer that says nothing, look. Returns (was it found by looking, output)."""
        call = self._call(job, number, intended_at)
        job.may_be_out = True
        future = _started(job, lambda: plain_json(job.step_type.call(call)))
        try:
            return False, await asyncio.shield(future)
        except asyncio.CancelledError:
            await self._settle_late(job, future)
            raise
        except ServiceError as error:
            if error.outcome == "unknown" and job.repeat is Repeat.FINDABLE:
                output = await self._look_up_after(job, error, intended_at)
                if output is not None:
                    return True, output
            job.may_be_out = error.outcome != "not_done"
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

    async def _look_up_after(self, job: Job, error: ServiceError, intended_at: datetime) -> Any:
        """Look for a write whose sending got no clear answer; not there = it may be sent again."""
        try:
            found = await self._look_up(job, intended_at)
        except ServiceError:
            raise error from None  # what is known stays unknown
        if found is None:
            error.outcome = "not_done"
        return found

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
        call = self._call(job, 0, intended_at)
        return await _started(job, lambda: plain_json(job.step_type.find(call)))

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


def _started(job: Job, work: Callable[[], Any]) -> asyncio.Future[Any]:
    """Start blocking work in a thread of the account; whatever it sends ends within the job's time."""
    assert job.account is not None
    return job.account.workers.run(lambda: _timed(job.timeout_seconds, work))


def _timed(seconds: float, work: Callable[[], Any]) -> Any:
    with deadline(seconds):
        return work()


def _receipt(job: Job, output: Any) -> dict[str, str]:
    receipt = job.step_type.receipt(output)
    return {"id": receipt.id, "url": receipt.url}


def _effect(write: Write, receipt: Mapping[str, str] | None, *, reused: bool) -> dict[str, Any]:
    return {"identity": write.identity, "outcome": "done", "reused": reused, "receipt": receipt}


def _is_retryable(job: Job, error: ServiceError) -> bool:
    also = job.retry.also if job.retry else frozenset()
    return error.retryable or type(error).__name__ in also


def _may_send_again(job: Job, error: ServiceError) -> bool:
    """A write is sent again only when the first one did not happen, or twice is the same as once."""
    if error.outcome != "not_done" and job.repeat is not Repeat.SAFE:
        return False
    return _is_retryable(job, error)


def _fits(job: Job, error: ServiceError) -> bool:
    """Tell whether the wait that the service asks for is no longer than the step's time."""
    return error.retry_after_seconds is None or error.retry_after_seconds <= job.timeout_seconds


def _backoff(retry: Retry, number: int, error: ServiceError) -> float:
    """Return the seconds to wait: what the service asks for, else doubling with up to a quarter of jitter."""
    if error.retry_after_seconds is not None:
        return error.retry_after_seconds
    longest = max(_LONGEST_BACKOFF, retry.backoff_seconds)
    wait: float = min(retry.backoff_seconds * 2 ** (number - 1), longest)
    return wait * random.uniform(1.0, 1.25)  # noqa: S311 - spreads load, guards nothing


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
