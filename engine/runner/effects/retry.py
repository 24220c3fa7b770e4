"""The attempts of a call: how many, how long each may take, and how long to wait before the next."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from clients.deadline import LONGEST_ANSWER_SECONDS, CancellationToken, TimeLimit, ended_by, within
from clients.errors import ServiceError
from clients.models.metering import metered
from clients.request_tracking import counted_sends
from engine.compiler.definition.plan import Retry
from engine.observing import context
from engine.plugins.step import Call
from engine.record.types.step import StepEffect
from engine.runner.effects.job import Attempt, Done, Job, Remarks

_DEFAULT_RETRY = Retry(attempts=3, backoff_seconds=1.0)
_LONGEST_BACKOFF = 60.0


class RetryAttempts:
    """Counts the failed attempts of a call, reports each, and waits before the next."""

    def __init__(self, job: Job, clock: Callable[[], datetime]) -> None:
        self._job, self._clock = job, clock
        self._failed = job.failed_before
        self._remarks = Remarks()
        self._started_at = clock()
        self._began_at: datetime | None = None

    def begin(self) -> int:
        """Start an attempt; return its number, starting at 1."""
        self._started_at = self._began_at = self._clock()
        return self._failed + 1

    def call(self, number: int, intended_at: datetime | None = None) -> Call:
        """Return the argument of the step for an attempt; number 0 is a look-up."""
        return self._job.call(number, self._started_at, self._remarks, intended_at)

    def done(self, output: Any, effect: StepEffect | None = None) -> Done:
        """Return the result of the call."""
        return Done(output, effect, self._remarks, self._began_at)

    def failed(self, error: Exception) -> None:
        """Report that the current attempt has failed; what it noted is not true of the next one."""
        self._failed += 1
        self._remarks.notes.clear()
        self._job.on_attempt(Attempt(self._started_at, self._clock(), error))

    def may_follow(self, error: ServiceError) -> bool:
        """Return whether another attempt follows this error."""
        retry = self._job.retry or _DEFAULT_RETRY
        return self._failed < retry.attempts and _is_retryable(self._job, error) and _fits(self._job, error)

    async def pause(self, error: ServiceError) -> None:
        """Wait as long as the service asks for, else as long as the step's retry policy says."""
        await asyncio.sleep(_backoff(self._job.retry or _DEFAULT_RETRY, self._failed, error))


def time_limit(job: Job) -> TimeLimit:
    """Return the time limit of an attempt; only the answer of a model, while it arrives, renews it."""
    return TimeLimit(job.timeout_seconds, LONGEST_ANSWER_SECONDS)


def started(
    job: Job,
    work: Callable[[], Any],
    cancellation: CancellationToken | None = None,
    limit: TimeLimit | None = None,
) -> asyncio.Future[Any]:
    """Start blocking work in a thread of the account; everything it sends ends within the time limit.

    `cancellation` ends it earlier.
    """
    assert job.account is not None
    names, ends, time = context.current(), cancellation or CancellationToken(), limit or time_limit(job)
    return job.account.workers.run(lambda: _timed(job, work, names, ends, time), job.priority)


def _timed(
    job: Job, work: Callable[[], Any], names: Mapping[str, str], cancellation: CancellationToken, limit: TimeLimit
) -> Any:
    with (
        context.within(names),
        ended_by(cancellation),
        within(limit),
        counted_sends(),
        metered(job.meter),
        job.guard(),
    ):
        return work()


def _is_retryable(job: Job, error: ServiceError) -> bool:
    also = job.retry.also if job.retry else frozenset()
    return error.retryable or type(error).__name__ in also


def _fits(job: Job, error: ServiceError) -> bool:
    """Return whether the wait requested by the service fits into the step's time limit."""
    return error.retry_after_seconds is None or error.retry_after_seconds <= job.timeout_seconds


def _backoff(retry: Retry, number: int, error: ServiceError) -> float:
    """Return the seconds to wait: what the service asks for, else exponential backoff with up to 25 % jitter."""
    if error.retry_after_seconds is not None:
        return error.retry_after_seconds
    longest = max(_LONGEST_BACKOFF, retry.backoff_seconds)  # a workflow may ask for a longer wait
    wait: float = min(retry.backoff_seconds * 2 ** (number - 1), longest)
    return wait * random.uniform(1.0, 1.25)  # noqa: S311 - spreads load, guards nothing
