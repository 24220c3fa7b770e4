"""Record that a call of a service is about to be made, and with which arguments."""

from __future__ import annotations

from msgspec.structs import replace

from engine.plugins.step import Effect
from engine.record.events import StepStarted
from engine.runner.execution.run_context import RunContext
from engine.runner.execution.step_call import Middleware, Next, Outcome, StepCall


class Announcement(Middleware):
    """Writes `step_started`. A step that calls no service is recorded when it ends."""

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._recording = run.recording

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Announce the call, then make it."""
        if call.effect is Effect.PURE:
            return await call_next(call)
        self._recording.emit(StepStarted, path=call.path, title=call.node.title, **call.details())
        return await call_next(replace(call, is_announced=True))
