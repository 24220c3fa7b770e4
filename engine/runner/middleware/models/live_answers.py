"""Show a model's answer to people who watch, while it arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.runner.effects.live import StepAnswers
from engine.runner.execution.step_call import Middleware, Next, Outcome, StepCall

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext


class LiveAnswers(Middleware):
    """Gives a call whose answer is text a place where it is seen; nothing depends on it."""

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._live = run.live

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call; its answer is shown until the call is over."""
        if self._live is None or not call.action.step_type.streams:
            return await call_next(call)
        watch = StepAnswers(self._live, call.run_id, call.path)
        try:
            return await call_next(replace(call, watch=watch))
        finally:
            watch.close()
