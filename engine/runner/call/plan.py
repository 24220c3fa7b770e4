"""Calls of runs that plan, that apply a plan, or that take answers from an earlier run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Container
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from pydantic import ValidationError

from clients.errors import NotFound, WriteRefused
from clients.reads_only import reads_only
from engine.base.errors import AnswerNotRecorded, PlanDrift
from engine.base.lazy_values import Unknown, complete, marked
from engine.base.statuses import ENDED_STEPS, StepStatus
from engine.expressions.cel_types import plain
from engine.plugins.step import AskPerson, CallWorkflow, Effect, Preview, Role, WaitUntil, described, fields_schema
from engine.record.differences import shown
from engine.record.failure import StepFailed
from engine.record.plans.previews import recorded
from engine.record.plans.world_changes import world_changes
from engine.record.types.kind import kind_of
from engine.record.types.run import RunKind
from engine.record.types.step import FieldDifference, PlannedStep, StepRecord
from engine.runner.effects.job import Remarks, fields_of
from engine.runner.execution.approval_rules import RunApprovalRules
from engine.runner.execution.earlier_answers import EarlierAnswer
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
)
from engine.store.ledger import EffectRecord

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext

_DEEPEST = 4  # of the members in a placeholder: a schema may refer to itself


class Planning(Middleware):
    """Plans a call: previews a write, leaves out what cannot be known, passes on the rest. It waits for nobody.

    A read whose arguments are known is made, and so is a model's call. All that is not known before the plan is applied
    is `Unknown` (engine/base/lazy_values.py): the output of a planned write, and everything that follows from it.
    """

    def __init__(self, run: RunContext) -> None:
        self._run, self._asking = run, RunApprovalRules(run)

    @classmethod
    def is_needed_in(cls, options: Container[str]) -> bool:
        """Return whether the run writes nothing, and is no replay: that has an answer for what a plan cannot know."""
        kind = kind_of(options)
        return kind.writes_nothing and kind is not RunKind.REPLAY

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Return the outcome that the plan goes on with."""
        if call.effect is Effect.WRITES:
            return await self._written(call)
        if call.unknown:
            waits = self._waits(call)
            return _left_out(call, waits or "It is not called for the plan: its arguments are not known before.")
        outcome = await call_next(call)
        if isinstance(outcome, AwaitsMail):
            return _left_out(outcome.call, _waits_until(outcome.directive.due_at))
        if isinstance(outcome, Waits):
            return _not_waited(outcome)
        if isinstance(outcome, Failed) and _is_undeclared_read(outcome.error):
            # What happens when the plan is applied is not known: neither an answer, nor that it fails.
            return _left_out(call, f"It is not called for the plan: {outcome.document()['message']}")
        if call.frame.may and isinstance(outcome, Failed):
            return _left_out(call, f"If it is reached, it may fail: {outcome.document()['message']}")
        if call.frame.may and isinstance(outcome, Stops):
            return _left_out(call, "If it is reached, the run ends here.")
        return outcome

    def _waits(self, call: StepCall) -> str:
        """Return until when a call whose arguments are not known may wait for mail, as a sentence; else ""."""
        assert call.arguments is not None
        unknown = {_field_of(path) for path in call.unknown}
        known = {} if "" in unknown else {k: v for k, v in call.arguments.items() if k not in unknown}
        until = call.action.step_type.waits_until(known, self._run.clock())
        return "" if until is None else _waits_until(until)

    async def _written(self, call: StepCall) -> Outcome:
        account = call.account
        assert account is not None
        planned: PlannedStep = {"write": "new", "account": call.write.account if call.write else account.label}
        known = await self._receipt(call)
        if known is not None:
            receipt = json.loads(known.receipt or "null")
            note = f"Run {known.run_id} has made it; it is kept."
            planned = {**planned, "write": "kept", "note": note, "receipt": receipt}
            return _planned(call, json.loads(known.output or "null"), planned)
        remarks = Remarks()
        if self._asking.needs_approval(call, self._asking.rule(call)):
            planned = {**planned, "asks": True}
        planned = {**planned, "preview": recorded(await self._preview(call, remarks))}
        return _planned(call, placeholder(call), planned, remarks)

    async def _receipt(self, call: StepCall) -> EffectRecord | None:
        """Return the entry of the write if it was made before."""
        if call.write is None:
            return None
        known = await asyncio.to_thread(self._run.receipts.get, call.write.identity)
        return known if known is not None and known.state == "done" else None

    async def _preview(self, call: StepCall, remarks: Remarks) -> Preview:
        """Return what the write would do; what is not known yet stays visible in its texts. Raises ServiceError."""
        assert call.arguments is not None
        kind, arguments = call.action.step_type, marked(call.arguments)
        if _depends(call):
            return described(kind, arguments)
        try:
            fields = kind.fields.model_validate(arguments)
        except ValidationError:  # a part that is not known stands where no text may
            return described(kind, arguments)
        job = replace(self._run.job(call), make_fields=lambda: fields)
        try:
            found: Preview = await self._run.reads.ask(
                job, lambda: kind.preview(job.call(1, self._run.clock(), remarks))
            )
        except WriteRefused as error:
            if not error.looks_like_read:
                raise
            return described(kind, arguments)
        return found


def placeholder(call: StepCall) -> Any:
    """Return a placeholder for the output of a call that is not made: an object with its members, all unknown."""
    schema = call.action.output_schema
    return _stand_in(schema, schema, f"steps.{call.node.id}.output", _DEEPEST)


def _stand_in(schema: Any, root: Any, source: str, depth: int) -> Any:
    inner, _ = plain(schema, root)
    members = inner.get("properties")
    if inner.get("type") != "object" or not members or not depth:
        return Unknown.of(source)
    return {name: _stand_in(one, root, f"{source}.{name}", depth - 1) for name, one in members.items()}


def _depends(call: StepCall) -> bool:
    """Return whether something other than text is unknown: where the write goes, or what it changes."""
    roles = {name: one.get("role") for name, one in fields_schema(call.action.step_type.fields)["properties"].items()}
    return any(roles.get(_field_of(path)) != Role.CONTENT for path in call.unknown)


def _field_of(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def _left_out(call: StepCall, note: str) -> Succeeded:
    return _planned(call, placeholder(call), {"note": note})


def _is_undeclared_read(error: Exception) -> bool:
    return isinstance(error, WriteRefused) and error.looks_like_read


def _not_waited(outcome: Waits) -> Outcome:
    """Answer a wait: only a called workflow that certainly runs is planned in its turn."""
    call, directive = outcome.call, outcome.directive
    if isinstance(directive, WaitUntil):
        return _left_out(call, "The run waits here, as long as the step says.")
    if isinstance(directive, AskPerson):
        return _left_out(call, f"A person is asked here: {directive.message}")
    assert isinstance(directive, CallWorkflow)
    return _left_out(call, "What it would write is not planned.") if call.frame.may else outcome


def _waits_until(moment: datetime) -> str:
    return f"The run waits here for a reply, until {moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC at the latest."


def _planned(call: StepCall, output: Any, planned: PlannedStep, remarks: Remarks | None = None) -> Succeeded:
    if call.unknown:
        planned = {**planned, "unknown": list(call.unknown)}
    if call.frame.may:
        planned = {**planned, "may": call.frame.may}
    if planned.get("write") == "new" and (notes := [*call.notes, *(remarks.notes if remarks is not None else ())]):
        planned = {**planned, "note": " ".join(dict.fromkeys(notes))}
    return Succeeded(call, output, remarks=remarks, planned=planned)


class AsPlanned(Check):
    """Raises PlanDrift for a write that differs from what a plan has shown, before anything of it is sent."""

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._run = run

    @classmethod
    def is_needed_in(cls, options: Container[str]) -> bool:
        """Return whether the run applies a plan."""
        return kind_of(options) is RunKind.APPLY

    async def __call__(self, call: StepCall) -> StepCall | Outcome:
        """Return the call, a write only as it was planned."""
        if call.effect is Effect.WRITES:
            await self._require(call)
        return call

    async def _require(self, call: StepCall) -> None:
        from engine.record.plans.applied_run import misfit

        plan = self._run.applied
        assert plan is not None
        step = plan.step(call.path)
        planned = None if step is None else step.get("planned")
        if step is None or planned is None or "write" not in planned:
            if not plan.leaves_open(call.node.path):
                raise _drift(call.path, "not planned", "to be written")
            return
        wrong = await asyncio.to_thread(lambda: misfit(plan.arguments(step), complete(call.arguments)))
        if wrong is not None:
            raise _drift(f"{call.path}.{wrong.field}", shown(wrong.old), shown(wrong.new))
        if step["connection"] != call.action.connection or not self._is_same_account(call, planned):
            raise _drift(call.path, f"as {planned.get('account')}", f"as {call.write and call.write.account}")
        if not await self._is_begun(call, planned):
            await self._require_unchanged(call, planned)

    def _is_same_account(self, call: StepCall, planned: PlannedStep) -> bool:
        return call.write is None or "account" not in planned or call.write.account == planned["account"]

    async def _is_begun(self, call: StepCall, planned: PlannedStep) -> bool:
        """Return whether the write was planned as kept, or this run has begun it. Raises PlanDrift for another run."""
        assert call.write is not None
        entry = await asyncio.to_thread(self._run.receipts.get, call.write.identity)
        if entry is None or entry.state == "undone":
            if planned["write"] == "kept":
                raise _drift(call.path, "made before, and kept", "undone")
            return False
        if planned["write"] == "new" and entry.run_id != call.run_id and not planned.get("unknown"):
            raise _drift(call.path, "not made yet", f"made by run {entry.run_id}")
        return True

    async def _require_unchanged(self, call: StepCall, planned: PlannedStep) -> None:
        """Look at the target once more, unless another write of the same plan changes it, too."""
        before, plan = planned.get("preview"), self._run.applied
        assert plan is not None
        if before is None or not before["object"] or planned.get("unknown") or plan.is_shared(planned):
            return
        job, kind = replace(self._run.job(call), guard=reads_only), call.action.step_type
        now = await self._run.reads.ask(job, lambda: kind.preview(job.call(1, self._run.clock(), Remarks())))
        if (now.before, now.version) != (before["before"], before["version"]):
            raise _drift(call.path, before["before"], now.before)


def _drift(path: str, before: Any, after: Any) -> PlanDrift:
    return PlanDrift(
        f"{path} is not as it was planned: it was {before}, and now {after}. It was not written.",
        differences=[{"path": path, "before": str(before), "after": str(after)}],
    )


class Rereading(Middleware):
    """Goes on with the plan's own answers, whatever is read now; models are not asked again."""

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._earlier = run.earlier

    @classmethod
    def is_needed_in(cls, options: Container[str]) -> bool:
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
        if isinstance(outcome, AwaitsMail) or (isinstance(outcome, Failed) and not isinstance(outcome.error, NotFound)):
            return outcome
        changes = _changes(call, known, outcome)
        planned: PlannedStep = {"changes": changes}
        return replace(answer, planned=planned) if changes else answer


class ReusedAnswers(Check):
    """Takes answers from the log of an earlier run; writes are never replayed."""

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._earlier = run.earlier

    @classmethod
    def is_needed_in(cls, options: Container[str]) -> bool:
        """Return whether the run reuses answers without looking again."""
        return "replay" in options or kind_of(options) is RunKind.APPLY

    async def __call__(self, call: StepCall) -> StepCall | Outcome:
        """Return the earlier answer, or the call if no answer is recorded."""
        if self._earlier is None or call.effect is not Effect.READS:
            return call
        assert call.arguments is not None
        found = await asyncio.to_thread(self._earlier.answer, call.node, call.frame, call.arguments, call.account)
        if found is None:
            return call
        return Succeeded(call, found.output, remarks=Remarks(request=found.request), is_replayed=True)


class FileReplay(Middleware):
    """Ends each call as the run in a file did, also its failures and writes, and calls nothing in its place.

    Steps that only compute are computed again: whoever looks for a fault in one of them sees it happen.
    """

    def __init__(self, run: RunContext) -> None:
        self._steps, self._recording = run.played, run.recording

    @classmethod
    def is_needed_in(cls, options: Container[str]) -> bool:
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
        by_rule = step.get("by_rule")
        return Succeeded(call, output, remarks=Remarks(request=request), is_replayed=True, by_rule=by_rule)


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
