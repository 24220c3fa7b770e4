"""One call of one step, however often it takes; writes go through the ledger (engine/runner/writes.py)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from clients.errors import ServiceError, Timeout
from engine.runner.attempts import Attempt, Attempts, Done, Job, started
from engine.runner.holds import asks_to_wait
from engine.runner.live import Live, Watch
from engine.runner.outside_values import plain_json
from engine.runner.writes import Writes
from engine.step import Effect, StepType, Wish

_READ_GRACE_SECONDS = 2.0


class Calls:
    """Makes calls; on the engine's loop, with the blocking part in the account's threads.

    `live`: where people see a model's answer come; None where nobody can look.
    """

    def __init__(self, writes: Writes, clock: Callable[[], datetime], live: Live | None = None) -> None:
        self._writes, self._clock, self._live = writes, clock, live

    def watch(self, step_type: StepType, run_id: str, path: str) -> Watch | None:
        """Return where the answer of a step is seen; None for what is no text, or where nobody can look."""
        return Watch(self._live, run_id, path) if self._live is not None and step_type.streams else None

    async def make(self, job: Job) -> Done | Wish:
        """Make the call. Raises ServiceError (also to wait as the service asks: holds.py) and what the step raises."""
        try:
            return await self._made(job)
        finally:
            if job.watch is not None:
                job.watch.close()

    async def _made(self, job: Job) -> Done | Wish:
        if job.effect is Effect.WRITES:
            return await self._writes.make(job)
        if job.account is None:
            return self._pure(job)
        return Done(await self._until_answered(job, lambda number: self._read(job, number)))

    def _pure(self, job: Job) -> Done | Wish:
        started_at = self._clock()
        try:
            result = job.step_type.call(job.call(1, started_at))
            return result if isinstance(result, Wish) else Done(plain_json(result))
        except Exception as error:
            job.on_attempt(Attempt(started_at, self._clock(), error))
            raise

    async def ask(self, job: Job, question: Callable[[], Any]) -> Any:
        """Read what a call needs beforehand (blocking), within its time and with its retries. Raises ServiceError."""
        return await self._until_answered(job, lambda _: self._in_time(job, question))

    async def _until_answered(self, job: Job, attempt: Callable[[int], Awaitable[Any]]) -> Any:
        attempts = Attempts(job, self._clock)
        while True:
            try:
                return await attempt(attempts.begin())
            except ServiceError as error:
                error.outcome = "not_done"  # whatever became of the answer, a read changes nothing
                if asks_to_wait(error):
                    raise
                attempts.failed(error)
                if not attempts.may_follow(error):
                    raise
                failed = error
            except Exception as error:
                attempts.failed(error)
                raise
            await attempts.pause(failed)

    async def _read(self, job: Job, number: int) -> Any:
        now = self._clock()
        return await self._in_time(job, lambda: job.plain(job.step_type.call(job.call(number, now))))

    async def _in_time(self, job: Job, work: Callable[[], Any]) -> Any:
        """Do a read in a thread; a thread that does not come back in time is left to itself."""
        assert job.account is not None
        try:
            async with asyncio.timeout(job.timeout_seconds + _READ_GRACE_SECONDS):
                return await started(job, work)
        except TimeoutError as error:
            raise Timeout(f"No answer within {job.timeout_seconds:g} s.", service=job.account.service) from error
