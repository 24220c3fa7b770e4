"""Answers of an earlier run: read again and compared before a plan is applied, or replayed without looking again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec.structs import replace

from clients.errors import NotFound
from engine.plugins.step import Effect
from engine.record.differences import shown
from engine.record.plans.world_changes import world_changes
from engine.record.types.run import RunOptions
from engine.record.types.step import FieldDifference, PlannedStep
from engine.runner.effects.job import Remarks, fields_of
from engine.runner.execution.earlier_answers import EarlierAnswer
from engine.runner.execution.step_call import Failed, Middleware, Next, Outcome, StepCall, Succeeded

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
        return "replay" in options or "apply" in options

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Return the earlier answer; make the call if there is none."""
        if self._earlier is None or call.effect is not Effect.READS:
            return await call_next(call)
        assert call.arguments is not None
        found = await asyncio.to_thread(self._earlier.answer, call.node, call.frame, call.arguments, call.account)
        if found is None:
            return await call_next(call)
        return Succeeded(call, found.output, remarks=Remarks(request=found.request), is_replayed=True)


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
