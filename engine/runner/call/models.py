"""Calls that ask a model: which models in turn, within which budget, and where people see the answer arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from clients.errors import ModelUnsure
from clients.wording import listed
from engine.base.json_text import compact, is_same
from engine.base.lazy_values import Deferred, NotKnownYet, opened
from engine.base.services import is_model
from engine.base.statuses import AccountMode
from engine.base.step_path import StepPath
from engine.budgets.meter import CallMeter
from engine.budgets.use import Use
from engine.compiler.definition.plan import Action, PlannedFallback
from engine.expressions.expressions import render
from engine.mail.rules import RuledMail, first_rule
from engine.plugins.step import Usage
from engine.record.document import usage_of
from engine.record.events import ModelFailed
from engine.record.types.step import UsageRecord
from engine.runner.effects.fault_points import reached
from engine.runner.effects.job import Remarks
from engine.runner.effects.live import StepAnswers
from engine.runner.effects.rate_limit_waits import asks_to_wait
from engine.runner.execution.filling import worked_out
from engine.runner.execution.step_call import Check, Failed, Middleware, Next, Outcome, StepCall, Succeeded

if TYPE_CHECKING:
    from engine.base.definitions import PromptDefinition
    from engine.runner.execution.run_context import RunContext

_NO_USAGE = Usage()


_NO_PROMPT = "(no prompt)"
"""In reports of usage: a call whose messages are in its step."""


class Fallback(Middleware):
    """Asks the next model of a step's `fallback` if one fails, and notes in the outcome which ones failed.

    Each model is a call of its own, with its own account, consent, budget and attempts. The failure of a model is on
    disk before the next one is asked, so a resumed run does not ask it again, unless none of them answered.
    """

    is_for_services = True

    @classmethod
    def is_needed(cls, action: Action) -> bool:
        """Return whether the step names other models."""
        return bool(action.other_models)

    def __init__(self, run: RunContext) -> None:
        self._recording, self._prompts = run.recording, run.facts.prompts

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call with one model after the other."""
        from clients.models.asking import another_may_answer  # with the readers of answers, which most runs do not need

        models = (None, *call.action.other_models)
        # Modulo, as all models are asked again once a wait that the last one asked for is over.
        place = len(self._recording.failed_models(call.path)) % len(models)
        while True:
            has_next = place + 1 < len(models)
            outcome = await call_next(_asking(call, models[place], has_next=has_next))
            if not isinstance(outcome, Failed) or not another_may_answer(outcome.error):
                return self._summarized(outcome)
            if not has_next and not asks_to_wait(outcome.error):
                return self._kept(outcome) or self._summarized(outcome)
            await self._failed(outcome)
            if not has_next:  # all of them are asked again after the wait
                return replace(outcome, usage=None)
            place, call = place + 1, replace(call, failed_before=0)

    def _kept(self, outcome: Failed) -> Outcome | None:
        """Return the answer of the latest model that was unsure, after the last one gave none; None if there is none.

        The failure of the last one is on disk together with the step's end, so a resumed run asks only that one again.
        """
        unsure = next((one for one in self._recording.failed_models(outcome.call.path)[::-1] if one.answer), None)
        if unsure is None:
            return None
        self._emit_failed(outcome, answer=None)
        failed = self._recording.failed_models(outcome.call.path)
        note = " ".join([*map(_gave_up, failed), f"The answer of {unsure.model} ({unsure.connection}) is kept."])
        used = _sum([one.usage for one in failed if one.usage], None) or Usage()
        return Succeeded(
            replace(outcome.call, notes=(*outcome.call.notes, note)),
            self._recording.values.live(unsure.answer),
            remarks=Remarks(usage=used, request={"connection": unsure.connection, "model": unsure.model}),
        )

    async def _failed(self, outcome: Failed) -> None:
        left = outcome.error.answer if isinstance(outcome.error, ModelUnsure) else None
        _, answer = await self._recording.kept(left)
        self._emit_failed(outcome, answer)
        await self._recording.committed()
        reached("model failed")

    def _emit_failed(self, outcome: Failed, answer: Any) -> None:
        call, used = outcome.call, outcome.usage
        self._recording.emit(
            ModelFailed,
            path=call.path,
            connection=call.action.connection or "",
            model=self._name(call),
            error=outcome.document(),
            usage=_record(used) if used is not None and used != _NO_USAGE else None,
            **({} if answer is None else {"answer": answer}),
        )

    def _name(self, call: StepCall) -> str:
        """Return the name of the model that a call asks."""
        arguments = call.arguments or {}
        prompt = self._prompts.get(str(arguments.get("prompt") or "")) or {}
        own = arguments.get("model") or prompt.get("model") or ""
        named = own if call.other_model is None else call.other_model.model
        return str(named or getattr(call.account and call.account.client, "model", ""))

    def _summarized(self, outcome: Outcome) -> Outcome:
        """Return the outcome with the usage of the failed models; after an answer, also with a note about them."""
        failed = self._recording.failed_models(outcome.call.path)
        used = [one.usage for one in failed if one.usage]
        if isinstance(outcome, Failed):
            return replace(outcome, usage=_sum(used, outcome.usage))
        if not isinstance(outcome, Succeeded) or outcome.remarks is None or outcome.is_replayed:
            return outcome
        remarks = outcome.remarks
        remarks.usage = _sum(used, remarks.usage) or remarks.usage
        remarks.request["connection"] = outcome.call.action.connection
        if not failed:
            return outcome
        return replace(outcome, call=replace(outcome.call, notes=(*outcome.call.notes, _note(failed, outcome))))


def _asking(call: StepCall, other: PlannedFallback | None, *, has_next: bool) -> StepCall:
    if other is None:
        return replace(call, has_next_model=has_next)
    action = replace(call.action, connection=other.connection)
    return replace(call, action=action, other_model=other, has_next_model=has_next)


def _note(failed: Sequence[ModelFailed], outcome: Succeeded) -> str:
    assert outcome.remarks is not None
    said = [_gave_up(one) for one in failed]
    answered = f"{outcome.remarks.request.get('model')} ({outcome.call.action.connection}) answered."
    return " ".join([*said, answered])


def _gave_up(failed: ModelFailed) -> str:
    if failed.error["type"] == ModelUnsure.__name__:
        return f"{failed.model} ({failed.connection}) was not sure enough: {failed.error['message']}"
    return f"{failed.model} ({failed.connection}) gave no answer: {failed.error['message']}"


def _record(usage: Usage) -> UsageRecord:
    return UsageRecord(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, cost_usd=usage.cost_usd)


def _sum(earlier: Sequence[UsageRecord], usage: Usage | None) -> Usage | None:
    """Return the total usage; None if no usage is known."""
    parts = [*earlier, *([_record(usage)] if usage is not None and usage != _NO_USAGE else [])]
    return Usage(**usage_of(parts)) if parts else usage


class RequiredBudget(Middleware):
    """Gives a call that may ask a model its meter (engine/budgets/meter.py).

    A budget that is used up comes back as a failure, which `RateLimits` turns into a wait.
    """

    is_for_services = True

    @classmethod
    def is_needed(cls, action: Action) -> bool:
        """Return whether a call may ask a model."""
        return action.asks_models

    def __init__(self, run: RunContext) -> None:
        self._meter, self._prompts = run.meter, run.facts.prompts

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call; its outcome has its usage with what it cost."""
        step_type = call.action.step_type
        account = call.account if is_model(step_type.service) else call.embedder
        if account is None:
            return await call_next(call)
        seconds = call.node.timeout_seconds or step_type.timeout_seconds
        is_demo = account.mode == AccountMode.DEMO
        address = str(getattr(account.client, "base_url", ""))
        use = self._use(call)
        meter = self._meter.of_call(account.connection, address, seconds, is_demo=is_demo, use=use)
        try:
            return _told(await call_next(replace(call, meter=meter)), meter)
        finally:
            meter.is_closed = True  # the thread of a call that was given up may still want to send

    def _use(self, call: StepCall) -> Use:
        reference = (call.arguments or {}).get("prompt")
        prompt = self._prompts.get(reference) if isinstance(reference, str) else None
        version = _NO_PROMPT if prompt is None else f"{str(reference).partition('@')[0]}@{prompt['version']}"
        step = f"{call.workflow}: {StepPath.parse(call.path).in_workflow}"
        return {"workflow": call.workflow, "step": step, "prompt": version}


def _told(outcome: Outcome, meter: CallMeter) -> Outcome:
    if isinstance(outcome, Succeeded) and outcome.remarks is not None and not outcome.is_replayed:
        outcome.remarks.usage = meter.usage
        outcome.remarks.notes.extend(meter.notes)
    if isinstance(outcome, Failed):
        return replace(outcome, usage=meter.usage)
    return outcome


class RuledAnswers(Check):
    """Answers by a rule of the step about the mail it works on; then no model is asked, and nothing is paid."""

    is_for_services = True

    @classmethod
    def is_needed(cls, action: Action) -> bool:
        """Return whether the step has rules."""
        return action.rules is not None

    async def __call__(self, call: StepCall) -> StepCall | Outcome:
        """Return the answer of the first rule that matches, or the call if none does."""
        rules = call.action.rules
        assert rules is not None
        try:
            value = await worked_out(render, rules.mail, call.frame.names)
            mail = RuledMail.of(await asyncio.to_thread(opened, value) if isinstance(value, Deferred) else value)
        except NotKnownYet:  # in a plan
            return call
        rule = None if mail is None else first_rule(rules.rules, mail)
        if rule is None:
            return call
        return Succeeded(call, dict(rule.output), by_rule={"when": rule.when, "answer": rule.answer})


class CorrectedAnswers(Middleware):
    """Puts the right values into an answer about which a case of the prompt says what they are.

    A correction saves such a case. The model is asked all the same: a case may be about one field of several.
    """

    is_for_services = True

    @classmethod
    def is_needed(cls, action: Action) -> bool:
        """Return whether a call may ask a model."""
        return action.asks_models

    def __init__(self, run: RunContext) -> None:
        self._cases, self._prompts = run.cases_of_prompts, run.facts.prompts

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call; a note says what was put right."""
        outcome = await call_next(call)
        arguments = call.arguments or {}
        if not isinstance(outcome, Succeeded) or outcome.is_replayed or not isinstance(outcome.output, dict):
            return outcome
        if not (self._cases and arguments.get("prompt") and arguments.get("variables")):
            return outcome
        return await asyncio.to_thread(self._put_right, call, str(arguments["prompt"]), outcome)

    def _put_right(self, call: StepCall, reference: str, outcome: Succeeded) -> Outcome:
        assert call.make_fields is not None
        assert self._cases is not None
        fields, answer, prompt = call.make_fields(), outcome.output, reference.partition("@")[0]
        right = self._cases().about(prompt, fields.variables)
        values = {} if right is None else {name: of for name, of in right.values.items() if name in answer}
        wrong = {name: of for name, of in values.items() if not is_same(answer[name], of)}
        if right is None or not wrong:
            return outcome
        from engine.prompts.model_answers import faults

        schema = getattr(fields, "answer_schema", None) or (self._prompts.get(reference) or {}).get("output_schema")
        if faults({**answer, **wrong}, schema or {}):  # the schema is another one by now
            return outcome
        told = listed([f"{name} is {compact(of)}, not {compact(answer[name])}" for name, of in wrong.items()])
        note = f"Corrected: {told}, as the case {right.case} of the prompt {prompt} says."
        noted = replace(outcome.call, notes=(*outcome.call.notes, note))
        return replace(outcome, call=noted, output={**answer, **wrong})


class PromptExamples(Check):
    """Gives a call the cases of its prompt that the model gets as examples; every attempt has the same ones."""

    is_for_services = True

    @classmethod
    def is_needed(cls, action: Action) -> bool:
        """Return whether a call may ask a model with a prompt."""
        return action.asks_models and bool(action.arguments.get("prompt"))

    def __init__(self, run: RunContext) -> None:
        self._cases, self._prompts = run.cases_of_prompts, run.facts.prompts

    async def __call__(self, call: StepCall) -> StepCall | Outcome:
        """Return the call with its examples; a note says which are missing."""
        reference = str((call.arguments or {}).get("prompt") or "")
        document: PromptDefinition = self._prompts.get(reference) or {}
        if self._cases is None or not document.get("examples"):
            return call
        return await asyncio.to_thread(self._with_examples, call, reference.partition("@")[0], document)

    def _with_examples(self, call: StepCall, prompt: str, document: PromptDefinition) -> StepCall:
        assert call.make_fields is not None
        assert self._cases is not None
        fields = call.make_fields()
        schema = getattr(fields, "answer_schema", None)
        found = self._cases().examples(prompt).chosen(document, fields.variables, schema)
        notes = (*call.notes, found.note) if found.note else call.notes
        return replace(call, examples=found.examples, notes=notes)


class LiveAnswers(Middleware):
    """Gives a call whose answer is text a place where it is seen; nothing depends on it."""

    is_for_services = True

    @classmethod
    def is_needed(cls, action: Action) -> bool:
        """Return whether its answer is text."""
        return action.step_type.streams

    def __init__(self, run: RunContext) -> None:
        self._live = run.live

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call; its answer is shown until the call is over."""
        if self._live is None:
            return await call_next(call)
        watch = StepAnswers(self._live, call.run_id, call.path)
        try:
            return await call_next(replace(call, watch=watch))
        finally:
            watch.close()
