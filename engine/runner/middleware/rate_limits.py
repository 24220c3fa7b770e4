"""Wait as long as a service asks to be left alone, until writing is allowed again, or for a person's approval; then
make the call again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.base.clock import moment_of
from engine.record.events import StepWaiting
from engine.runner.effects.rate_limit_waits import hold, is_debugged, repeats_call
from engine.runner.execution.step_call import Asks, Failed, Middleware, Next, Outcome, StepCall

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext


class RateLimits(Middleware):
    """Repeats a call that has to wait. The wait is recorded, so that it survives a restart."""

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._recording, self._pauses, self._wait = run.recording, run.pauses, run.wait

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call until it has an outcome other than a request to wait."""
        while True:
            outcome = await call_next(await self._released(call))
            if isinstance(outcome, Asks) or (isinstance(outcome, Failed) and await self._is_held(outcome)):
                continue
            return outcome

    async def _released(self, call: StepCall) -> StepCall:
        """Return the call as it begins now, after the recorded wait if there is one."""
        recorded = self._recording.waiting(call.path)
        if recorded is None or not repeats_call(recorded) or self._pauses.is_lost(recorded) or is_debugged(recorded):
            return call
        await self._wait(self._pauses.of(recorded), None, call.frame.deadline)
        failed_before = self._recording.failed_attempts(call.path)
        return replace(call, started_at=self._recording.now(), failed_before=failed_before)

    async def _is_held(self, outcome: Failed) -> bool:
        """Record the wait that an error asks for; return whether there is one."""
        call, now = outcome.call, moment_of(self._recording.now())
        pause = hold(outcome.error, self._recording.waiting(call.path), now, call.frame.deadline)
        if pause is None:
            return False
        self._recording.emit(StepWaiting, path=call.path, title=call.node.title, **pause, **call.details())
        await self._recording.committed()
        return True
