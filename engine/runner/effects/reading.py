"""Calls that change nothing: repeated as the step's retry policy says, and abandoned when their time is over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from clients.deadline import CancellationToken, TimeLimit
from clients.errors import ModelUnsure, ServiceError, Timeout
from engine.base.errors import BudgetExceeded
from engine.base.wording import number_text
from engine.plugins.step import Directive
from engine.plugins.unreadable import answered
from engine.runner.effects.job import Done, Job
from engine.runner.effects.rate_limit_waits import asks_to_wait
from engine.runner.effects.retry import RetryAttempts, started, time_limit

# The deadline in the thread comes first, with a better error; this one abandons work that does not heed it.
_GRACE_SECONDS = 2.0


class AccountReads:
    """Makes reads; on the engine's loop, with the blocking part in the account's threads."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    async def make(self, job: Job) -> Done:
        """Make the call; its output may be a directive.

        Raises ServiceError (also for a wait: rate_limit_waits.py) and what the step raises.
        """
        attempts = RetryAttempts(job, self._clock)

        async def read(number: int) -> Any:
            call = attempts.call
            return await _in_time(job, lambda: _plain(job, lambda: answered(job.step_type, call(number))))

        return attempts.done(await _until_answered(attempts, read))

    async def ask(self, job: Job, question: Callable[[], Any]) -> Any:
        """Read what a call needs first (blocking), within its time limit and with its retries. Raises ServiceError."""
        return await _until_answered(RetryAttempts(job, self._clock), lambda _: _in_time(job, question))


def _plain(job: Job, ask: Callable[[], Any]) -> Any:
    try:
        result = ask()
    except ModelUnsure as error:
        error.answer = None if error.answer is None else job.plain(error.answer)
        raise
    return result if isinstance(result, Directive) else job.plain(result)


async def _until_answered(attempts: RetryAttempts, attempt: Callable[[int], Awaitable[Any]]) -> Any:
    while True:
        try:
            return await attempt(attempts.begin())
        except ServiceError as error:
            error.outcome = "not_done"  # a read changes nothing, even if its answer is lost
            if asks_to_wait(error):
                raise
            attempts.failed(error)
            if not attempts.may_follow(error):
                raise
            failed = error
        except BudgetExceeded:  # what was not sent is not an attempt
            raise
        except Exception as error:
            attempts.failed(error)
            raise
        await attempts.pause(failed)


async def _in_time(job: Job, work: Callable[[], Any]) -> Any:
    """Run a read in a thread; one that does not return in time, or is cancelled, loses its connection.

    So a model stops writing, and a server that answers one question at a time is free for the next. The time in which
    it waits for a thread does not count.
    """
    assert job.account is not None
    cancellation, limit = CancellationToken(), time_limit(job)
    try:
        async with asyncio.timeout(None) as patience:
            watch = AttemptWatch(limit, patience)

            def begun() -> Any:
                watch.begin()
                return work()

            try:
                return await started(job, begun, cancellation, limit)
            finally:
                watch.end()
    except TimeoutError as error:
        raise Timeout(f"No answer within {number_text(job.timeout_seconds)} s.", service=job.account.service) from error
    finally:
        cancellation.now()


class AttemptWatch:
    """Ends the wait for a read that has not returned although its time is over, which may have been renewed since."""

    def __init__(self, limit: TimeLimit, patience: asyncio.Timeout) -> None:
        self._limit, self._patience, self._loop = limit, patience, asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._is_over = False

    def begin(self) -> None:
        """Begin in the thread of the read, once its limit counts."""
        self._loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        if self._is_over:
            return
        left = self._limit.ends_at + _GRACE_SECONDS - time.monotonic()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._patience.reschedule(self._loop.time())

    def end(self) -> None:
        """Stop watching."""
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()
