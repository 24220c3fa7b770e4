"""Mails that go out later: a call is held until its time, so that people can still stop it, or send it at once."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.compiler.definition.plan import Action
from engine.plugins.step import StepType
from engine.record.types.kind import kind_of
from engine.record.types.step import Approved
from engine.runner.call.asking import CallQuestions, call_hash
from engine.runner.effects.previewing import WritePreviews
from engine.runner.execution.approval_rules import RunApprovalRules
from engine.runner.execution.step_call import Asks, Check, Outcome, StepCall
from engine.runner.suspension.questions import QuestionOutcome

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext


class ScheduledMail(Check):
    """Holds a mail that goes out later (`StepType.waits_until`).

    A hold is a question that approves itself when due: nothing of the write has begun, it survives the process,
    and either a person's answer is stored or that the time has come, never both. It begins once the call may be made,
    so it counts from an approval; after a new one, it begins anew. A mail that was stopped only goes out if a person
    resumes the run and approves it.
    """

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._run, self._recording, self._questions = run, run.recording, run.run_waits.questions
        self._previews = WritePreviews(run.reads, run.clock)
        self._rules, self._asking = RunApprovalRules(run), CallQuestions(run)

    @classmethod
    def is_needed_in(cls, options: Container[str]) -> bool:
        """Return whether the run may wait for people: one that writes nothing holds nothing."""
        return not kind_of(options).writes_nothing

    @classmethod
    def is_needed(cls, action: Action) -> bool:
        """Return whether calls of the step may be held."""
        kind = action.step_type
        return kind.may_write and type(kind).waits_until is not StepType.waits_until

    async def __call__(self, call: StepCall) -> StepCall | Outcome:
        """Return the call once its mail may go out; else hold it."""
        assert call.write is not None
        assert call.arguments is not None
        due_at = call.action.step_type.waits_until(call.arguments, self._run.clock())
        approved = "" if call.approved is None else call.approved["approval"]
        hashed = self._questions.hash_of(approved) if approved else call_hash(call, call.write.account)
        if self._run.writes.ledger.needs_no_sending(self._run.job(call)):
            due_at = None
        elif self._is_held(call, hashed):
            return Asks(call)
        last = self._questions.last(call.path, hashed)
        if last is not None and last[1].is_released:
            return _released(call, hashed, *last)
        has_to_ask = self._is_lost(call) or (last is not None and last[1].state == "rejected")
        if due_at is None and not has_to_ask:
            return call
        about, seen = await self._asking.about(call, call.write.account), await self._previews.of(self._run.job(call))
        if has_to_ask or due_at is None:
            return await self._asking.ask(call, about, hashed, self._rules.rule(call), seen)
        return await self._asking.hold(call, about, hashed, due_at, approved, seen)

    def _is_held(self, call: StepCall, hashed: str) -> bool:
        """Return whether exactly this call is held; a hold of another one is withdrawn."""
        recorded = self._recording.waiting(call.path)
        if recorded is None or "scheduled" not in recorded or not self._questions.is_known(recorded["approval"]):
            return False
        question = recorded["approval"]
        if self._questions.answer(question) is not None:
            return False
        if self._questions.hash_of(question) == hashed:
            return True
        self._questions.withdraw(question)
        return False

    def _is_lost(self, call: StepCall) -> bool:
        """Return whether a hold was lost with the state file: nobody knows whether the mail was stopped."""
        recorded = self._recording.waiting(call.path)
        return recorded is not None and "scheduled" in recorded and not self._questions.is_known(recorded["approval"])


def _released(call: StepCall, hashed: str, question: str, answer: QuestionOutcome) -> StepCall:
    """Return a call that was held; whoever has released it early has approved it, if nobody had before."""
    if call.approved is not None or answer.state != "approved":
        return call
    approved: Approved = {
        "approval": question, "by": answer.by, "at": answer.at, "comment": answer.comment, "hash": hashed,
    }  # fmt: skip
    return replace(call, approved=approved)
