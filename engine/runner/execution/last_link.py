"""The end of the chain: call the step type. A read is repeated as its retry policy says, in a thread of its account."""

from __future__ import annotations

from engine.base.plain_values import plain_json
from engine.plugins.step import StopRun, Wish
from engine.runner.effects.job import Attempt, Remarks
from engine.runner.execution.run_context import RunContext
from engine.runner.execution.step_call import Outcome, StepCall, Stops, Succeeded, Waits


class LastLink:
    """Makes all calls but writes."""

    def __init__(self, run: RunContext) -> None:
        self._run = run

    async def __call__(self, call: StepCall) -> Outcome:
        """Make the call."""
        if call.account is None:
            return self._pure(call)
        done = await self._run.reads.make(self._run.job(call))
        return Succeeded(call, done.output, None, done.remarks, done.began_at)

    def _pure(self, call: StepCall) -> Outcome:
        """Make a call that needs no service: at once, on the loop, and without a second attempt."""
        started_at, remarks = self._run.clock(), Remarks()
        try:
            with self._run.guard():
                result = call.action.step_type.call(self._run.job(call).call(1, started_at, remarks))
            if not isinstance(result, Wish):
                return Succeeded(call, plain_json(result), remarks=remarks)
        except Exception as error:
            self._run.attempt_failed(call, Attempt(started_at, self._run.clock(), error))
            raise
        return Stops(call, result) if isinstance(result, StopRun) else Waits(call, result)
