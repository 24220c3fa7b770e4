"""Let those who operate a workspace see the calls of its steps: log lines name the step, and its time is measured."""

from __future__ import annotations

import time

from engine.observing import context
from engine.runner.execution.run_context import RunContext
from engine.runner.execution.step_call import Middleware, Next, Outcome, StepCall, Stops, Succeeded, Waits, failed


class Named(Middleware):
    """Adds the step to the names of log lines, for as long as its call is made and recorded."""

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call."""
        with context.more(step=call.path):
            return await call_next(call)


class Timed(Middleware):
    """Measures the call itself with its attempts, without the time for which the run waits for something else."""

    def __init__(self, run: RunContext) -> None:
        self._observer = run.observer

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call; one that asks the run to wait has not ended."""
        begun_at = time.monotonic()
        try:
            outcome = await call_next(call)
        except Exception as error:  # noqa: BLE001 - as in a link of the chain, but the end of it is not one
            outcome = failed(call, error)
        if not isinstance(outcome, Waits):
            seconds, is_good = time.monotonic() - begun_at, isinstance(outcome, Succeeded | Stops)
            self._observer.called(call.action.uses, seconds, is_good=is_good)
        return outcome
