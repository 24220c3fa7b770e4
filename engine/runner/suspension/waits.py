"""What a step can wait for without a thread: a time, a person's answer, mail, the end of another run.

A wait exists twice. Its record, a small JSON object in the run's log, says what the step waits for: {due_at},
{approval}, {child_run_id}, {awaits} (mail) or {held}. It survives a restart. The object made from the record knows how
to check whether the wait has ended. `RunWaits.of` restores the object after a restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from engine.base.clock import moment_of, timestamp
from engine.base.statuses import Ending
from engine.compiler.definition.approval_rules import StepApproval
from engine.plugins.step import AskPerson, CallWorkflow, WaitUntil
from engine.record.types.run import Caller, OutsideInput
from engine.record.types.step import Wait
from engine.runner.effects.rate_limit_waits import is_hold, is_pause, needs_person, patience_seconds
from engine.runner.suspension.mail_waits import LOOK_SECONDS, RunMailWaits
from engine.runner.suspension.questions import RunQuestions

if TYPE_CHECKING:
    from engine.runner.suspension.children import Children

Begun = WaitUntil | AskPerson | CallWorkflow


class Waiting(Protocol):
    """A wait recorded by a run, and its result."""

    due_at: datetime | None
    people_wait: timedelta
    """How long a called agent has waited for people; known after `output()`."""

    def is_over(self) -> bool:
        """Return whether the step can continue."""

    def may_park(self) -> bool:
        """Return whether the run may be suspended meanwhile."""

    async def changed(self) -> None:
        """Return when it may have ended; may return early, or never."""

    def output(self) -> Any:
        """Return the step's output after the wait. Raises OrchestraError if the step has failed."""

    async def given_up(self, how: str) -> None:
        """Note that the step no longer waits; `how` the run ends, or "timeout" if the step's time limit is reached."""


class _Moment:
    people_wait = timedelta()

    def __init__(self, due_at: str, output: Any, clock: Callable[[], datetime]) -> None:
        self.due_at: datetime | None = moment_of(due_at)
        self._output, self._clock = output, clock

    def is_over(self) -> bool:
        return self.due_at is not None and self._clock() >= self.due_at

    def may_park(self) -> bool:
        return True

    async def changed(self) -> None:
        await asyncio.Event().wait()

    def output(self) -> Any:
        return self._output

    async def given_up(self, how: str) -> None:
        """Do nothing: nobody has to be notified."""


class _Hold(_Moment):
    """A time named by a service; the run is suspended only if the wait is long enough."""

    def __init__(self, due_at: str, patience_seconds: float, clock: Callable[[], datetime]) -> None:
        super().__init__(due_at, None, clock)
        self._patience = timedelta(seconds=patience_seconds)

    def may_park(self) -> bool:
        return self.due_at is not None and self.due_at - self._clock() > self._patience


class _Pause(_Moment):
    """A budget that is used up: the wait ends when its period does, or when a person resumes."""

    def __init__(self, due_at: str | None, is_paused: Callable[[], bool], clock: Callable[[], datetime]) -> None:
        self.due_at = None if due_at is None else moment_of(due_at)
        self._is_paused, self._clock = is_paused, clock

    def is_over(self) -> bool:
        return super().is_over() or not self._is_paused()

    def output(self) -> Any:
        return None


class ManualRelease:
    """What a person ends: a write is held until writing is allowed again, a debug run pauses until it may go on."""

    due_at: datetime | None = None
    people_wait = timedelta()

    def __init__(self, is_held: Callable[[], bool]) -> None:
        self._is_held = is_held

    def is_over(self) -> bool:
        """Return whether the step can continue."""
        return not self._is_held()

    def may_park(self) -> bool:
        """Return whether the run may be suspended meanwhile."""
        return True

    async def changed(self) -> None:
        """Never return: whoever ends the wait wakes the run."""
        await asyncio.Event().wait()

    def output(self) -> Any:
        """Return None: the call is still to be made."""
        return None

    async def given_up(self, how: str) -> None:
        """Do nothing: nobody has to be notified."""


class _Answer:
    """A question to a person, which may expire."""

    people_wait = timedelta()

    def __init__(
        self, questions: RunQuestions, approval: str, due_at: str | None, clock: Callable[[], datetime]
    ) -> None:
        self._questions, self._approval, self._clock = questions, approval, clock
        self.due_at = None if due_at is None else moment_of(due_at)

    def is_over(self) -> bool:
        return self._questions.answer(self._approval) is not None

    def may_park(self) -> bool:
        return True

    async def changed(self) -> None:
        """Let the question expire once it is time, so that either this or an answer is stored, never both."""
        if self.due_at is not None and self._clock() >= self.due_at:
            await asyncio.shield(self._questions.expire(self._approval))
        else:  # an answer shows in the state alone; one that comes while the run waits for nothing else wakes it
            await asyncio.sleep(LOOK_SECONDS)

    def output(self) -> Any:
        answer = self._questions.answer(self._approval)
        assert answer is not None
        if answer.state == "expired" and answer.goes_on:
            return {"approved": False, "by": "", "at": answer.at, "comment": ""}
        is_approved = answer.state == "approved"
        if not (answer.state == "rejected" and answer.may_refuse):
            answer.require_approved()
        found = {"approved": is_approved, "by": answer.by, "at": answer.at, "comment": answer.comment}
        return found if answer.given is None else {**found, "given": answer.given if is_approved else {}}

    async def given_up(self, how: str) -> None:
        if how not in (Ending.INTERRUPTED, Ending.STOPPED):
            self._questions.withdraw(self._approval)


class _Child:
    due_at: datetime | None = None
    people_wait = timedelta()

    def __init__(self, children: Children, run_id: str) -> None:
        self._children, self._run_id = children, run_id

    def is_over(self) -> bool:
        return self._children.has_ended(self._run_id)

    def may_park(self) -> bool:
        return self._children.is_put_away(self._run_id)

    async def changed(self) -> None:
        await self._children.ended(self._run_id)

    def output(self) -> Any:
        outputs, self.people_wait = self._children.outputs(self._run_id)
        return outputs

    async def given_up(self, how: str) -> None:
        await self._children.end(self._run_id, how)


class RunWaits:
    """Starts waits, and restores them from what a run has recorded."""

    def __init__(
        self,
        questions: RunQuestions,
        children: Children,
        clock: Callable[[], datetime],
        is_held: Callable[[], bool],
        is_paused: Callable[[], bool],
        mail: RunMailWaits,
    ) -> None:
        self.questions, self._children, self._clock, self.mail = questions, children, clock, mail
        self._is_held, self._is_paused = is_held, is_paused

    def begun(
        self,
        result: Begun,
        path: str,
        rule: StepApproval,
        caller: Caller,
        earlier: Wait | None,
        replay: str | None,
        outside_inputs: Sequence[OutsideInput] = (),
    ) -> Wait:
        """Start to wait; return what the run must record in the same turn of the loop.

        `rule` says who answers a question; `caller` is [workflow, step path, scope …] of the step; `earlier` the wait
        recorded when it last failed: a called run then continues; `replay` the run whose answers a called run reuses;
        `outside_inputs` says which of its inputs are text from outside.
        Raises OrchestraError.
        """
        if isinstance(result, WaitUntil):
            return {"due_at": timestamp(result.due_at), "then": result.output}
        if isinstance(result, AskPerson):
            it = result
            return self.questions.ask(path, it.message, it.details, rule, give=it.give, may_refuse=it.may_refuse)
        if earlier is not None and "child_run_id" in earlier and self._children.go_on(earlier["child_run_id"]):
            return {"child_run_id": earlier["child_run_id"]}
        return {"child_run_id": self._children.start(result.workflow, result.inputs, caller, replay, outside_inputs)}

    def is_lost(self, written: Wait) -> bool:
        """Return whether a recorded wait must start again: its question was lost with the state file.

        Or else the log does not say that the question was about a call: its answer must not become the step's output.
        """
        if "approval" not in written:
            return False
        if not self.questions.is_known(written["approval"]):
            return True
        says_so = bool({"call_hash", "scheduled"} & written.keys())
        return not says_so and self.questions.hash_of(written["approval"]) != ""

    def of(self, written: Wait, path: str) -> Waiting:
        """Return the wait for the record of a step."""
        if "approval" in written:
            return _Answer(self.questions, written["approval"], written.get("due_at"), self._clock)
        if "child_run_id" in written:
            return _Child(self._children, written["child_run_id"])
        if "awaits" in written and not is_hold(written):
            return self.mail.of(written, path)
        if is_hold(written) and needs_person(written):
            return ManualRelease(self._is_held)
        if is_hold(written) and is_pause(written):
            return _Pause(written["due_at"], self._is_paused, self._clock)
        due_at = written["due_at"]
        assert due_at is not None  # only a hold that a person ends has no time
        if is_hold(written):
            return _Hold(due_at, patience_seconds(written), self._clock)
        return _Moment(due_at, written.get("then", {"waited_until": due_at}), self._clock)
