"""Record that a step begins and how it ended, and have that on disk before anything builds on it.

A step that calls no service may end without waiting for the disk: its event is committed together with what comes
next (a *loose end*), at the latest before another step starts.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import structs
from msgspec.structs import replace
from pydantic import ValidationError

from clients.errors import ServiceError
from clients.wording import counted
from engine.base.clock import timestamp
from engine.base.errors import OrchestraError
from engine.base.statuses import StepStatus
from engine.plugins.step import Effect, Usage
from engine.record.events import StepFinished, StepStarted
from engine.record.failure import StepFailed
from engine.runner.effects.fault_points import reached
from engine.runner.execution.runner import is_handled
from engine.runner.execution.step_call import Failed, Middleware, Next, Outcome, StepCall, Stops, Succeeded

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext

_log = logging.getLogger(__name__)
_NO_USAGE = Usage()
_NOTES_MOST = 5
_FORESEEN = (ServiceError, OrchestraError, StepFailed, ValidationError)


class Recorder(Middleware):
    """Writes the event with which a step ends."""

    def __init__(self, run: RunContext) -> None:
        self._recording = run.recording

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call and record its outcome."""
        outcome = await call_next(call)
        if isinstance(outcome, Succeeded):
            return await self._succeeded(outcome)
        if isinstance(outcome, Failed):
            await self._failed(outcome)
        elif isinstance(outcome, Stops):
            await self._stopped(outcome)
        return outcome

    async def _succeeded(self, outcome: Succeeded) -> Succeeded:
        call, remarks = outcome.call, outcome.remarks
        output, written = await self._recording.kept(outcome.output)
        details = {**call.details(), "output": written, **self._more(outcome)}
        if remarks is not None and remarks.request:
            _, details["request"] = await self._recording.kept_fields(remarks.request)
        self._finished(call, StepStatus.SUCCEEDED, details)
        if call.effect is Effect.PURE and not call.is_announced:
            self._recording.leave_loose_end()
        else:
            await self._recording.committed()
        if outcome.effect is not None:
            reached("after record")
        return outcome if output is outcome.output else replace(outcome, output=output)

    def _more(self, outcome: Succeeded) -> dict[str, Any]:
        """Return what the event says beside the output, as far as there is anything to say."""
        more: dict[str, Any] = {}
        path, recording = outcome.call.path, self._recording
        if outcome.began_at is not None and (recording.failed_attempts(path) or recording.failed_models(path)):
            more["attempt_at"] = timestamp(outcome.began_at)
        if outcome.effect is not None:
            more["effect"] = outcome.effect
        if outcome.is_replayed:
            more["replayed"] = True
        if outcome.planned is not None:
            more["planned"] = outcome.planned
        if outcome.people_wait:
            more["people_wait_seconds"] = outcome.people_wait.total_seconds()
        remarks = outcome.remarks
        if remarks is not None and remarks.usage != _NO_USAGE:
            more["usage"] = structs.asdict(remarks.usage)
        if outcome.call.notes or (remarks is not None and remarks.notes):
            notes = list(dict.fromkeys([*outcome.call.notes, *(remarks.notes if remarks is not None else ())]))
            left = [f"And {counted(len(notes) - _NOTES_MOST, 'more note')}."] if len(notes) > _NOTES_MOST else []
            more["note"] = " ".join(notes[:_NOTES_MOST] + left)
        return more

    async def _failed(self, outcome: Failed) -> None:
        call, error = outcome.call, outcome.error
        if not isinstance(error, _FORESEEN):
            _log.error("step %s of run %s broke down", call.path, call.run_id, exc_info=error)
        details: dict[str, Any] = {
            "error": outcome.document(),
            "handled": outcome.goes_on or is_handled(call.node),
            **call.details(),
        }
        if outcome.usage is not None and outcome.usage != _NO_USAGE:
            details["usage"] = structs.asdict(outcome.usage)
        self._finished(call, StepStatus.FAILED, details)
        await self._recording.committed()

    async def _stopped(self, outcome: Stops) -> None:
        outputs = self._recording.values.whole(outcome.directive.outputs)
        stops = {"outputs": outputs, "message": outcome.directive.message}
        self._finished(outcome.call, StepStatus.SUCCEEDED, {"output": {}, "stops": stops, **outcome.call.details()})
        await self._recording.committed()

    def _finished(self, call: StepCall, status: StepStatus, details: Mapping[str, Any]) -> None:
        self._recording.emit(StepFinished, path=call.path, status=status, title=call.node.title, **details)


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
