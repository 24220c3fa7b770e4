"""Record and report a call: when it begins, how it ends, how long it takes, whether its account accepts it.

All of it is on disk before anything builds on it. Only a step that calls no service may end without waiting for the
disk: its event is committed together with what comes next (a *loose end*), at the latest before another step starts.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec import structs
from msgspec.structs import replace
from pydantic import ValidationError

from clients.errors import AuthError, ServiceError
from clients.wording import counted
from engine.base.clock import timestamp
from engine.base.errors import OrchestraError, StorageError
from engine.base.statuses import StepStatus
from engine.connections.accounts import Account
from engine.observing.traces import Tracer
from engine.plugins.step import Effect, Usage
from engine.record.coercion import fitted
from engine.record.events import StepFinished, StepStarted
from engine.record.failure import StepFailed
from engine.runner.effects.fault_points import reached
from engine.runner.execution.runner import is_handled
from engine.runner.execution.step_call import (
    AwaitsMail,
    Check,
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


_NO_USAGE = Usage()
_NOTES_MOST = 5
_FORESEEN = (ServiceError, OrchestraError, StepFailed, ValidationError)


async def traced(tracer: Tracer, call: StepCall, call_next: Next) -> Outcome:
    """Trace a step for as long as its call is made and recorded."""
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

    catches = True

    def __init__(self, run: RunContext) -> None:
        self._observer, self._is_told = run.observer, _log.isEnabledFor(logging.DEBUG)

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call; one that asks the run to wait has not ended."""
        begun_at = time.monotonic()
        try:
            outcome = await call_next(call)
        except Exception as error:  # noqa: BLE001 - as in a link of the chain, but the end of it is not one
            outcome = failed(call, error)
        if not isinstance(outcome, Waits | AwaitsMail):
            seconds, is_good = time.monotonic() - begun_at, isinstance(outcome, Succeeded | Stops)
            if self._is_told:
                _log.debug("%s %s in %.3f s", call.action.uses, "succeeded" if is_good else "failed", seconds)
            self._observer.called(call.action.uses, seconds, is_good=is_good)
        return outcome


class AccountNoticeReports(Middleware):
    """Tells `connections/account_notices.py` how the account of a call was received.

    That is once the step's end is on disk: nothing may come between an answered write and its record.
    """

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._facts, self._refusals = run.facts, run.accounts.notices

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call, then report."""
        outcome = await call_next(call)
        if isinstance(outcome, Failed):
            await self._refused(outcome)
        elif isinstance(outcome, Succeeded) and outcome.call.effect is not Effect.PURE:
            await self._worked(outcome)
        return outcome

    async def _worked(self, outcome: Succeeded) -> None:
        """Record that an account that refused before has accepted a call again."""
        accounts = filter(None, (outcome.call.account, outcome.call.embedder))
        was_asked = not outcome.is_replayed and outcome.by_rule is None
        for account in accounts if was_asked else ():
            await self._accepted(account)

    async def _accepted(self, account: Account) -> None:
        with suppress(StorageError):
            if self._refusals.is_known(account.connection, account.mode):
                await asyncio.to_thread(self._refusals.worked, account.connection, account.mode)

    async def _refused(self, outcome: Failed) -> None:
        """Record that an account rejects its credentials, or lacks rights that a workflow with a trigger needs."""
        action, error = outcome.call.action, outcome.error
        connection = action.connection or action.embedding
        if connection is None or not isinstance(error, AuthError):
            return
        workflow = "" if self._facts.item is None else self._facts.workflow_id
        with suppress(StorageError):
            mode = self._facts.mode(connection, None)
            await asyncio.to_thread(self._refusals.report, connection, mode, error, workflow)


class Recorder(Middleware):
    """Writes the event with which a step ends."""

    catches = True

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
        title, status = call.node.title, StepStatus.SUCCEEDED
        self._recording.emit(StepFinished, path=call.path, status=status, title=title, **details)
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
        if outcome.by_rule is not None:
            more["by_rule"] = outcome.by_rule
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


class Announcement(Check):
    """Writes `step_started`. A step that calls no service is recorded when it ends."""

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._recording = run.recording

    async def __call__(self, call: StepCall) -> StepCall | Outcome:
        """Return the call, announced."""
        if call.effect is Effect.PURE:
            return call
        self._recording.emit(StepStarted, path=call.path, title=call.node.title, **call.details())
        return replace(call, is_announced=True)


class OutputTypes(Middleware):
    """Fits an output to the schema of its step (engine/record/coercion.py)."""

    catches = True

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call and fit its output."""
        outcome = await call_next(call)
        if not isinstance(outcome, Succeeded):
            return outcome
        try:
            output = fitted(outcome.output, call.action.output_schema)
        except Exception as error:  # noqa: BLE001 - as in a link of the chain
            return failed(call, error)
        return outcome if output is outcome.output else replace(outcome, output=output)
