"""Calls that wait: for what the step asks for, for a service that asks to be left alone, for an answer of a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from engine.base.clock import moment_of
from engine.base.errors import OrchestraError, StepTimeout
from engine.base.wording import number_text
from engine.plugins.step import CallWorkflow
from engine.record.events import StepWaiting
from engine.record.types.run import OutsideInput
from engine.runner.call.write import scope_of
from engine.runner.effects.fault_points import reached
from engine.runner.effects.job import Attempt
from engine.runner.effects.rate_limit_waits import hold, is_debugged, is_hold, repeats_call
from engine.runner.execution.step_call import (
    Asks,
    AwaitsMail,
    Failed,
    Middleware,
    Next,
    Outcome,
    StepCall,
    Succeeded,
    Waits,
    failed,
)
from engine.runner.suspension.waits import Waiting
from engine.runner.tags.run_tags import RunTags, outside_inputs
from engine.runner.tags.tagging import has_expressions

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext


class Suspension(Middleware):
    """Turns a wait into the outcome that it has in the end.

    A wait is recorded before the run waits. When the run continues after a restart, the step does not make its call
    again: it goes on waiting.
    """

    def __init__(self, run: RunContext) -> None:
        self._run, self._recording, self._run_waits, self._tags = run, run.recording, run.run_waits, RunTags(run)

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Continue a recorded wait; otherwise make the call, and wait if it asks for that."""
        recorded = self._recording.waiting(call.path)
        if recorded is not None and not repeats_call(recorded) and not self._run_waits.is_lost(recorded):
            return await self._waited(replace(call, is_announced=True), self._run_waits.of(recorded, call.path))
        outcome = await call_next(call)
        if not isinstance(outcome, Waits):
            return outcome
        try:
            return await self._begun(outcome)
        except Exception as error:  # noqa: BLE001 - as in a link of the chain, but the call has come further
            return failed(outcome.call, error)

    async def _begun(self, outcome: Waits) -> Outcome:
        call, earlier = outcome.call, self._run.earlier
        caller = await self._caller(call)
        replay = None if earlier is None else earlier.called_run(call.node, call.frame)
        rule = call.action.approval.own.over(self._run.approval_rules().get(call.action.uses))
        outside = self._outside_inputs(call) if isinstance(outcome.directive, CallWorkflow) else ()
        earlier_wait = self._recording.last_wait(call.path)
        pause = self._run_waits.begun(outcome.directive, call.path, rule, caller, earlier_wait, replay, outside)
        self._recording.emit(StepWaiting, path=call.path, title=call.node.title, **pause, **call.details())
        return await self._waited(replace(call, is_announced=True), self._run_waits.of(pause, call.path))

    def _outside_inputs(self, call: StepCall) -> Sequence[OutsideInput]:
        """Return which of the inputs for a called workflow are text from outside."""
        if not has_expressions(call.action.arguments.get("inputs")):
            return ()
        return outside_inputs(self._tags.at(call), call.action)

    async def _caller(self, call: StepCall) -> list[Any]:
        """Return the base of the identities of a run that this step calls."""
        return [self._run.facts.workflow_id, call.node.path, *await scope_of(self._run.facts, call)]

    async def _waited(self, call: StepCall, pause: Waiting) -> Outcome:
        """Wait until the pause ends or the step's own time limit is reached."""
        await self._recording.committed()
        limit = call.node.timeout_seconds
        ends_at = None if limit is None else self._recording.deadline(call.path, limit)
        try:
            await self._run.wait(pause, ends_at, call.frame.deadline)
            if not pause.is_over():
                await pause.given_up("timeout")
                raise StepTimeout(f"Step {call.node.id!r} took longer than {number_text(limit or 0)} s.")
            output = pause.output()
            return Succeeded(call, output, people_wait=pause.people_wait)
        except OrchestraError as error:
            begun, now = moment_of(self._recording.begun_at(call.path)), moment_of(self._recording.now())
            self._run.attempt_failed(call, Attempt(begun, now, error))
            return Failed(call, error)


class RateLimits(Middleware):
    """Repeats a call that has to wait, also for mail. The wait is recorded, so that it survives a restart."""

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._recording, self._run_waits, self._wait = run.recording, run.run_waits, run.wait

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call until it has an outcome other than a request to wait."""
        while True:
            ready = await self._released(call)
            hints = self._hints(ready)
            outcome = await call_next(ready)
            if isinstance(outcome, AwaitsMail):
                await self._await_mail(outcome, hints or 0)
                continue
            if isinstance(outcome, Asks) or (isinstance(outcome, Failed) and await self._is_held(outcome)):
                continue
            if hints is not None:
                self._run_waits.mail.end(call.path)
            return outcome

    async def _released(self, call: StepCall) -> StepCall:
        """Return the call as it begins now, after the recorded wait if there is one."""
        recorded = self._recording.waiting(call.path)
        if recorded is None or not repeats_call(recorded) or self._run_waits.is_lost(recorded) or is_debugged(recorded):
            return call
        await self._wait(self._run_waits.of(recorded, call.path), None, call.frame.deadline)
        is_new_look = "awaits" in recorded and not is_hold(recorded)
        failed_before = 0 if is_new_look else self._recording.failed_attempts(call.path)
        return replace(call, started_at=self._recording.now(), failed_before=failed_before)

    def _hints(self, call: StepCall) -> int | None:
        """Return how many hints there are for a step that has waited for mail, before it looks again; else None."""
        recorded = self._recording.waiting(call.path)
        return self._run_waits.mail.hints(call.path) if recorded is not None and "awaits" in recorded else None

    async def _await_mail(self, outcome: AwaitsMail, hints: int) -> None:
        """Record that the step waits for mail; a hint that came while it looked lets it look again."""
        call, account = outcome.call, outcome.call.account
        assert account is not None
        wait = self._run_waits.mail.begun(outcome.directive, call.path, account.connection, account.mode, hints)
        self._recording.emit(StepWaiting, path=call.path, title=call.node.title, **wait, **call.details())
        await self._recording.committed()
        reached("after wait")

    async def _is_held(self, outcome: Failed) -> bool:
        """Record the wait that an error asks for; return whether there is one."""
        call, now, earlier = outcome.call, moment_of(self._recording.now()), self._recording.waiting(outcome.call.path)
        pause = hold(outcome.error, earlier, now, call.frame.deadline)
        if pause is None:
            return False
        if earlier is not None and "awaits" in earlier:
            pause = {**pause, "awaits": earlier["awaits"]}
        self._recording.emit(StepWaiting, path=call.path, title=call.node.title, **pause, **call.details())
        await self._recording.committed()
        return True
