"""Make a write once: the intent on disk before it is sent, its receipt after it (engine/runner/effects/claim.py)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from engine.plugins.step import Effect
from engine.record.events import WriteSettled
from engine.runner.effects.job import Done
from engine.runner.execution.step_call import Middleware, Next, Outcome, StepCall, Succeeded, failed

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext


class Once(Middleware):
    """Makes writes through the ledger, which also decides about their attempts: they end here, other calls go on."""

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._run, self._recording = run, run.recording

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Return the result of the write, made now or before."""
        if call.effect is not Effect.WRITES:
            return await call_next(call)
        write = self._run.writes.write(self._run.job(call)._replace(is_seen=self._is_seen(call)))
        try:
            done = await write.make()
        except asyncio.CancelledError:
            if write.settled is not None:
                await self._settled(call, write.settled)
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, the service may have received the write
            return failed(call, error, may_be_out=write.may_be_out)
        return Succeeded(call, done.output, done.effect, done.remarks, done.began_at)

    def _is_seen(self, call: StepCall) -> bool:
        applied = self._run.applied
        return call.approved is not None or (applied is not None and applied.has_planned(call.path))

    async def _settled(self, call: StepCall, done: Done) -> None:
        """Record the result of a write that was in flight when the step was cancelled."""
        _, written = await self._recording.kept(done.output)
        self._recording.emit(WriteSettled, path=call.path, output=written, effect=done.effect)
