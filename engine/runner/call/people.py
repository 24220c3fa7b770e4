"""Calls that wait for a person: for an approval, or at a breakpoint of a debug run."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace as changed
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.base.errors import InvalidInput
from engine.base.json_text import JsonObject
from engine.base.lazy_values import complete
from engine.plugins.step import Effect
from engine.record.events import StepWaiting
from engine.record.plans.previews import changes
from engine.record.types.kind import kind_of
from engine.record.types.run import RunKind
from engine.record.types.step import Approved, Paused
from engine.record.values import in_thread_if_read
from engine.runner.call.arguments import require_allowed, with_arguments
from engine.runner.call.asking import CallQuestions, call_hash
from engine.runner.effects.ledger import arguments_hash
from engine.runner.effects.previewing import ShownPreview, WritePreviews
from engine.runner.execution.approval_rules import RunApprovalRules
from engine.runner.execution.step_call import Asks, Check, Outcome, StepCall
from engine.runner.suspension.questions import QuestionOutcome
from engine.runner.suspension.waits import ManualRelease

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext


class Breakpoints(Check):
    """Has a call wait until a person lets it go.

    The pause is a recorded wait like any other, so it survives a restart and holds no thread. A call pauses once: what
    lets it go is stored, too, and holds for a process that makes the call again after a crash.
    """

    def __init__(self, run: RunContext) -> None:
        assert run.debug_state is not None
        self._recording, self._wait, self._state = run.recording, run.wait, run.debug_state

    @classmethod
    def is_needed_in(cls, options: Container[str]) -> bool:
        """Return whether the run is debugged."""
        return kind_of(options) is RunKind.DEBUG

    async def __call__(self, call: StepCall) -> StepCall | Outcome:
        """Return the call, after a pause if it has a breakpoint or the run goes step by step."""
        paused = self._recording.paused(call.path) or await self._paused(call)
        if paused is None:
            return call
        turn = paused["turn"]
        await self._wait(ManualRelease(lambda: not self._state().lets_go(call.path, turn)), None, None)
        return replace(call, started_at=self._recording.now())

    async def _paused(self, call: StepCall) -> Paused | None:
        """Record that a call pauses, and with which arguments; return None if it does not."""
        state = self._state()
        why = state.why_pauses(call.path)
        if why is None:
            return None
        paused: Paused = {"why": why, "turn": state.turn}
        self._recording.emit(StepWaiting, path=call.path, title=call.node.title, paused=paused, **call.details())
        await self._recording.committed()
        return paused


class RequiredApproval(Check):
    """Asks a person before a call, and holds them to exactly what they saw.

    The run asks once and waits without a thread. When it continues, everything about the call is worked out again: the
    approval counts only if identity, step type, account and arguments are still the same, byte for byte, and if the
    object that the person saw (a draft, a pull request) is as it was. A question that was asked stays, even if the rule
    is lowered meanwhile; only an answer, its expiry or the end of the run ends it.
    """

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._run, self._recording, self._questions = run, run.recording, run.run_waits.questions
        self._previews = WritePreviews(run.reads, run.clock)
        self._rules, self._asking = RunApprovalRules(run), CallQuestions(run)

    @classmethod
    def is_needed_in(cls, options: Container[str]) -> bool:
        """Return whether the run may wait for people: one that writes nothing asks nobody."""
        return not kind_of(options).writes_nothing

    async def __call__(self, call: StepCall) -> StepCall | Outcome:
        """Return the call if it needs no approval, or has one; else ask. Raises Rejected, ApprovalExpired."""
        if call.effect is not Effect.WRITES and self._run.applied is not None:
            return call  # the plan has the answer
        self._require_not_stopped(call)
        asked = self._asked(call)
        rule = self._rules.rule(call)
        if asked is None and not self._rules.needs_approval(call, rule):
            return call
        if call.write is not None and self._run.writes.ledger.needs_no_sending(self._run.job(call)):
            return await self._made_before(call, asked)
        account = await self._asking.account(call)
        hashed = call_hash(call, account)
        if asked is not None and self._is_still_asked(*asked, hashed):
            return Asks(call)
        approval = self._questions.approval(call.path, hashed)
        if approval is None:
            seen = await self._previews.of(self._run.job(call))
            return await self._asking.ask(call, await self._asking.about(call, account), hashed, rule, seen)
        question, answer = approval
        shown = call if answer.kept is None else await self._edited(call, answer.kept)
        now = ShownPreview() if answer.seen is None else await self._previews.again(self._run.job(shown))
        if now.preview == answer.seen:
            return await self._approved(call, account, question, answer)
        about = changed(await self._asking.about(shown, account), again=_why_again(answer, now))
        if answer.edited is not None:
            edited = await self._edited(call, answer.edited)
            now = await self._previews.of(self._run.job(edited))
            about = changed(await self._asking.about(edited, account), again=about.again)
        about = changed(about, is_edited=answer.arguments is not None)
        return await self._asking.ask(call, about, hashed, rule, now)

    def _require_not_stopped(self, call: StepCall) -> None:
        """Raise Rejected if somebody has stopped the mail of the step, whatever has become of its call meanwhile."""
        recorded = self._recording.waiting(call.path)
        if recorded is not None and "scheduled" in recorded:
            answer = self._questions.answer(recorded["approval"])
            if answer is not None and answer.state == "rejected":
                answer.require_approved()

    def _asked(self, call: StepCall) -> tuple[str, str] | None:
        """Return (question, hash of the call) of what the step has asked, if it still waits for that.

        That its mail is held (`ScheduledMail`) is no such question.
        """
        recorded = self._recording.waiting(call.path)
        if recorded is None or "call_hash" not in recorded or "scheduled" in recorded:
            return None
        if not self._questions.is_known(recorded["approval"]):
            return None
        return recorded["approval"], recorded["call_hash"]

    async def _made_before(self, call: StepCall, asked: tuple[str, str] | None) -> StepCall:
        """Return a call that sends nothing more: as it was approved, if it was in this run."""
        assert call.write is not None
        approval = self._questions.approval(call.path, call_hash(call, call.write.account))
        if approval is not None:
            return await self._approved(call, call.write.account, *approval)
        if asked is not None:
            self._questions.withdraw(asked[0])
        return call

    def _is_still_asked(self, question: str, about: str, hashed: str) -> bool:
        """Return whether the question is about this call and open. Raises Rejected, ApprovalExpired if it is neither.

        A question about another call is withdrawn.
        """
        if about != hashed:
            self._questions.withdraw(question)
            return False
        answer = self._questions.answer(question)
        if answer is None:
            return True
        if answer.state != "withdrawn":  # by a run that was cancelled, and has been resumed
            answer.require_approved()
        return False

    async def _approved(self, call: StepCall, account: str, question: str, answer: QuestionOutcome) -> StepCall:
        """Return the call as it was approved: with the arguments of the person, if they changed any."""
        before = call.told_arguments
        if answer.arguments is not None:
            call = await self._edited(call, answer.arguments)
        approved: Approved = {
            "approval": question,
            "by": answer.by,
            "at": answer.at,
            "comment": answer.comment,
            "hash": call_hash(call, account),
        }
        if answer.arguments is not None and before is not None:
            approved = {**approved, "before": before}
        return replace(call, approved=approved)

    async def _edited(self, call: StepCall, edited: JsonObject) -> StepCall:
        """Return the call with the arguments as a person changed them; fields that are as before keep their files."""
        assert call.arguments is not None
        assert call.told_arguments is not None
        kind, before, told_before = call.action.step_type, call.arguments, call.told_arguments
        merged = {
            name: before[name] if name in told_before and told_before[name] == value else value
            for name, value in edited.items()
        }
        await require_allowed(call.action, merged)
        call = await with_arguments(call, merged, self._recording)
        arguments = call.arguments or {}
        effect, repeat = kind.effect_of(arguments)
        if effect is not call.effect:
            raise InvalidInput("An edit cannot change a read into a write, or the reverse.")
        call = replace(call, repeat=repeat, notes=())
        if call.write is None:
            return call
        hashed = await in_thread_if_read(arguments, lambda: arguments_hash(complete(arguments)))
        return replace(call, write=replace(call.write, arguments_hash=hashed))


def _why_again(answer: QuestionOutcome, now: ShownPreview) -> str:
    """Return what has changed since an approval, for people."""
    assert answer.seen is not None
    since = f"{answer.by} approved this at {answer.at}"
    if answer.edited is not None:
        since += f" (the call below is as {answer.by} has edited it)"
    if now.preview is None:
        return f"{since}. What it is about can no longer be read: {now.unreadable}"
    return f"{since}, and it has changed since:\n{changes(answer.seen, now.preview)}"
