"""Pause a debug run before a call: everything about it is known, and nothing has happened yet.

The pause is a recorded wait like any other, so it survives a restart and holds no thread. A call pauses once: what lets
it go is stored, too, and holds for a process that makes the call again after a crash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.record.events import StepWaiting
from engine.record.types.kind import RunKind, kind_of
from engine.record.types.run import RunOptions
from engine.record.types.step import Paused
from engine.runner.execution.step_call import Middleware, Next, Outcome, StepCall
from engine.runner.suspension.waits import ManualRelease

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext


class Breakpoints(Middleware):
    """Has a call wait until a person lets it go."""

    def __init__(self, run: RunContext) -> None:
        assert run.debug_state is not None
        self._recording, self._wait, self._state = run.recording, run.wait, run.debug_state

    @classmethod
    def is_wanted(cls, options: RunOptions) -> bool:
        """Return whether the run is debugged."""
        return kind_of(options) is RunKind.DEBUG

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call, after a pause if it has a breakpoint or the run goes step by step."""
        paused = self._recording.paused(call.path) or await self._paused(call)
        if paused is None:
            return await call_next(call)
        turn = paused["turn"]
        await self._wait(ManualRelease(lambda: not self._state().lets_go(call.path, turn)), None, None)
        return await call_next(replace(call, started_at=self._recording.now()))

    async def _paused(self, call: StepCall) -> Paused | None:
        """Record that a call pauses, and with which arguments; return None if it does not."""
        state = self._state()
        why = state.why_pauses(call.path)
        if why is None:
            return None
        paused: Paused = {"why": why, "turn": state.turn}
        self._recording.emit(StepWaiting, path=call.path, title=call.node.title, paused=paused, **call.details())
        await self._recording.committed()
        return paused
