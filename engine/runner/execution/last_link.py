"""The end of the chain: call the step type. A read is repeated as its retry policy says, in a thread of its account."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from clients.errors import Timeout
from engine.base.plain_values import plain_json
from engine.base.threads import WorkerThreads
from engine.base.wording import number_text
from engine.observing import context
from engine.plugins.step import Directive, StopRun
from engine.plugins.unreadable import answered
from engine.runner.effects.job import Attempt, Job, Remarks
from engine.runner.execution.step_call import Outcome, StepCall, Stops, Succeeded, Waits

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext

_AT_ONCE = 4
"""Heavy calls of one process at a time: they need the processor, or a child process that does."""
_heavy_workers = WorkerThreads("heavy", _AT_ONCE)


class LastLink:
    """Makes all calls but writes."""

    def __init__(self, run: RunContext) -> None:
        self._run = run

    async def __call__(self, call: StepCall) -> Outcome:
        """Make the call."""
        if call.account is None:
            return await self._pure(call)
        done = await self._run.reads.make(self._run.job(call))
        return Succeeded(call, done.output, None, done.remarks, done.began_at)

    async def _pure(self, call: StepCall) -> Outcome:
        """Make a call that needs no service, without a second attempt: at once, on the loop, unless it is heavy."""
        started_at, remarks = self._run.clock(), Remarks()
        try:
            job = self._run.job(call)
            if call.action.step_type.heavy:
                result = await self._in_thread(job, remarks)
            else:
                with self._run.guard():
                    result = answered(job.step_type, job.call(1, started_at, remarks))
                result = result if isinstance(result, Directive) else plain_json(result, is_given=job.is_given)
            if not isinstance(result, Directive):
                return Succeeded(call, result, remarks=remarks)
        except Exception as error:
            self._run.attempt_failed(call, Attempt(started_at, self._run.clock(), error))
            raise
        return Stops(call, result) if isinstance(result, StopRun) else Waits(call, result)

    async def _in_thread(self, job: Job, remarks: Remarks) -> Any:
        """Make a heavy call in a worker thread; its result is plain JSON, with its files stored, or a directive."""
        names = context.current()

        def made() -> Any:
            with context.within(names), job.guard():
                result = answered(job.step_type, job.call(1, self._run.clock(), remarks))
            return result if isinstance(result, Directive) else job.plain(result)

        try:
            async with asyncio.timeout(job.timeout_seconds):
                return await _heavy_workers.run(made)
        except TimeoutError as error:
            remedy = "Give it less to do, or raise the step's `timeout_seconds`."
            raise Timeout(f"It was not done within {number_text(job.timeout_seconds)} s.", remedy=remedy) from error
