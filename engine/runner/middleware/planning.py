"""Answer a write in the place of its service while a plan is made; wait for nothing, and ask nobody.

A read whose arguments are known is made, and so is a model's call. All that is not known before the plan is applied is
`Unknown` (engine/base/lazy_values.py): the output of a planned write, and everything that follows from it.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from clients.errors import WriteRefused
from engine.base.lazy_values import Unknown, marked
from engine.expressions.cel_types import plain
from engine.plugins.step import AskPerson, CallWorkflow, Effect, Preview, Role, WaitUntil, described, fields_schema
from engine.record.plans.previews import recorded
from engine.record.types.kind import RunKind, kind_of
from engine.record.types.run import RunOptions
from engine.record.types.step import PlannedStep
from engine.runner.effects.job import Remarks
from engine.runner.execution.approval_rules import RunApprovalRules
from engine.runner.execution.step_call import Failed, Middleware, Next, Outcome, StepCall, Stops, Succeeded, Waits
from engine.store.ledger import EffectRecord

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext

_DEEPEST = 4  # of the members in a placeholder: a schema may refer to itself


class Planning(Middleware):
    """Plans a call: previews a write, leaves out what cannot be known, passes on the rest."""

    def __init__(self, run: RunContext) -> None:
        self._run, self._asking = run, RunApprovalRules(run)

    @classmethod
    def is_wanted(cls, options: RunOptions) -> bool:
        """Return whether the run writes nothing, and is no replay: that has an answer for what a plan cannot know."""
        kind = kind_of(options)
        return kind.writes_nothing and kind is not RunKind.REPLAY

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Return the outcome that the plan goes on with."""
        if call.effect is Effect.WRITES:
            return await self._written(call)
        if call.unknown:
            return _left_out(call, "It is not called for the plan: its arguments are not known before.")
        outcome = await call_next(call)
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
        job = self._run.job(call)._replace(make_fields=lambda: fields)
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


def _planned(call: StepCall, output: Any, planned: PlannedStep, remarks: Remarks | None = None) -> Succeeded:
    if call.unknown:
        planned = {**planned, "unknown": list(call.unknown)}
    if call.frame.may:
        planned = {**planned, "may": call.frame.may}
    if planned.get("write") == "new" and (notes := [*call.notes, *(remarks.notes if remarks is not None else ())]):
        planned = {**planned, "note": " ".join(dict.fromkeys(notes))}
    return Succeeded(call, output, remarks=remarks, planned=planned)
