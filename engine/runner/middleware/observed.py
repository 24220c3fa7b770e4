"""Let those who operate a workspace see the calls of its steps, in log lines, traces and metrics."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from engine.observing import context
from engine.observing.traces import Tracer
from engine.runner.execution.step_call import (
    Failed,
    Middleware,
    Next,
    Outcome,
    StepCall,
    Stops,
    Succeeded,
    Waits,
    failed,
)

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext

_log = logging.getLogger(__name__)


class Named(Middleware):
    """Adds the step to the names of log lines, and traces it, for as long as its call is made and recorded."""

    def __init__(self, run: RunContext) -> None:
        self._tracer = run.tracer

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call."""
        with context.more(step=call.path):
            return await call_next(call) if self._tracer is None else await _traced(self._tracer, call, call_next)


async def _traced(tracer: Tracer, call: StepCall, call_next: Next) -> Outcome:
    is_remote = call.action.step_type.service is not None
    with tracer.step(call.action.uses, call.path, is_remote=is_remote) as span:
        outcome = await call_next(call)
        if isinstance(outcome, Failed):
            span.ended("failed", type(outcome.error).__name__)
        else:
            span.ended("succeeded")
        return outcome


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
            _log.debug("%s %s in %.3f s", call.action.uses, "succeeded" if is_good else "failed", seconds)
            self._observer.called(call.action.uses, seconds, is_good=is_good)
        return outcome
