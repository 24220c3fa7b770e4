"""Answer a read with what was answered to the same question in an earlier run, if the run asks for that."""

from __future__ import annotations

import asyncio

from engine.plugins.step import Effect
from engine.runner.effects.job import Remarks
from engine.runner.execution.run_context import RunContext
from engine.runner.execution.step_call import Middleware, Next, Outcome, StepCall, Succeeded


class Replay(Middleware):
    """Takes answers from the log of an earlier run; writes are never replayed."""

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._earlier = run.earlier

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Return the earlier answer; make the call if there is none."""
        if self._earlier is None or call.effect is not Effect.READS:
            return await call_next(call)
        assert call.arguments is not None
        found = await asyncio.to_thread(self._earlier.answer, call.node, call.frame, call.arguments, call.account)
        if found is None:
            return await call_next(call)
        return Succeeded(call, found.output, remarks=Remarks(request=found.request), is_replayed=True)
