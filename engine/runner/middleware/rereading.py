"""Answers of an earlier run: read again and compared before a plan is applied, replayed, or played from a file."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec.structs import replace

from clients.errors import NotFound
from engine.base.errors import AnswerNotRecorded
from engine.base.statuses import ENDED_STEPS, StepStatus
from engine.plugins.step import Effect
from engine.record.differences import shown
from engine.record.failure import StepFailed
from engine.record.plans.world_changes import world_changes
from engine.record.types.kind import RunKind, kind_of
from engine.record.types.run import RunOptions
from engine.record.types.step import FieldDifference, PlannedStep, StepRecord
from engine.runner.effects.job import Remarks, fields_of
from engine.runner.execution.earlier_answers import EarlierAnswer
from engine.runner.execution.step_call import Failed, Middleware, Next, Outcome, StepCall, Succeeded, Waits

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext


class Rereading(Middleware):
    """Goes on with the plan's own answers, whatever is read now; models are not asked again."""

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._earlier = run.earlier

    @classmethod
    def is_wanted(cls, options: RunOptions) -> bool:
        """Return whether the run checks a plan."""
        return "check" in options

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Return the plan's answer, with what has changed since."""
        if self._earlier is None or call.effect is not Effect.READS:
            return await call_next(call)
        assert call.arguments is not None
        known = await asyncio.to_thread(self._earlier.answer, call.node, call.frame, call.arguments, call.account)
        if known is None:
            return await call_next(call)
        answer = Succeeded(call, known.output, remarks=Remarks(request=known.request), is_replayed=True)
        if call.action.step_type.is_derived(call.arguments):
            return answer
        outcome = await call_next(_again(call, known))
        if isinstance(outcome, Failed) and not isinstance(outcome.error, NotFound):
            return outcome
        changes = _changes(call, known, outcome)
        planned: PlannedStep = {"changes": changes}
        return replace(answer, planned=planned) if changes else answer


class Replay(Middleware):
    """Takes answers from the log of an earlier run; writes are never replayed."""

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._earlier = run.earlier

    @classmethod
    def is_wanted(cls, options: RunOptions) -> bool:
        """Return whether the run reuses answers without looking again."""
        return "replay" in options or kind_of(options) is RunKind.APPLY

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Return the earlier answer, or make the call if no answer is recorded."""
        if self._earlier is None or call.effect is not Effect.READS:
            return await call_next(call)
        assert call.arguments is not None
        found = await asyncio.to_thread(self._earlier.answer, call.node, call.frame, call.arguments, call.account)
        if found is None:
            return await call_next(call)
        return Succeeded(call, found.output, remarks=Remarks(request=found.request), is_replayed=True)


class Played(Middleware):
    """Ends each call as the run in a file did, also its failures and writes, and calls nothing in its place.

    Steps that only compute are computed again: whoever looks for a fault in one of them sees it happen.
    """

    def __init__(self, run: RunContext) -> None:
        self._steps, self._recording = run.played, run.recording

    @classmethod
    def is_wanted(cls, options: RunOptions) -> bool:
        """Return whether the run replays a file."""
        return kind_of(options) is RunKind.REPLAY

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Return what the file has; an answer for which a run would wait is there, too."""
        kind = call.action.step_type
        if kind.service is None and not kind.heavy:
            outcome = await call_next(call)
            if not isinstance(outcome, Waits):
                return outcome
        return self._recorded(call)

    def _recorded(self, call: StepCall) -> Outcome:
        step = self._steps.get(call.path)
        if step is None or step["uses"] != call.action.uses or step["status"] not in ENDED_STEPS or _is_left_out(step):
            raise AnswerNotRecorded(call.path)
        error = step["error"] or next((one["error"] for one in step["attempts"][::-1] if step.get("fallback")), None)
        if error is not None:
            raise StepFailed(error, goes_on=step["status"] == StepStatus.FAILED and bool(step.get("handled")))
        output, request = self._recording.values.live(step["output"]), dict(step.get("request") or {})
        return Succeeded(call, output, remarks=Remarks(request=request), is_replayed=True)


def _is_left_out(step: StepRecord) -> bool:
    """Return whether a run has not made a call: then there is no answer."""
    return step["status"] == StepStatus.SKIPPED or bool(step.get("fallback") and not step["attempts"])


def _again(call: StepCall, known: EarlierAnswer) -> StepCall:
    """Return the call that reads what the plan has read."""
    assert call.arguments is not None
    step_type = call.action.step_type
    arguments = dict(step_type.reread(call.arguments, known.output))
    return replace(call, arguments=arguments, make_fields=fields_of(step_type, arguments))


def _changes(call: StepCall, known: EarlierAnswer, outcome: Outcome) -> list[FieldDifference]:
    if isinstance(outcome, Failed):
        return [{"field": "output", "old": "there", "new": outcome.document()["message"]}]
    assert isinstance(outcome, Succeeded)
    volatile = call.action.step_type.volatile
    found = world_changes(known.output, outcome.output, volatile)
    return [{"field": one.field, "old": shown(one.old), "new": shown(one.new)} for one in found]
