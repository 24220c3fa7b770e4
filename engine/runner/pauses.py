"""What a step can wait for without a thread: a moment, the answer of a person, the end of another run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from engine.errors import AssertionFailed
from engine.names import moment_of, timestamp
from engine.runner.children import Children
from engine.runner.holds import is_hold, patience_seconds
from engine.runner.questions import Questions
from engine.step import AskPerson, CallWorkflow, WaitUntil

Begun = WaitUntil | AskPerson | CallWorkflow


class Waiting(Protocol):
    """A wait as a run has written it down, and what comes of it."""

    due_at: datetime | None

    def is_over(self) -> bool:
        """Tell whether the step can go on."""

    def may_park(self) -> bool:
        """Tell whether the run may be put away meanwhile."""

    async def changed(self) -> None:
        """Return when it may be over; may return early, or never."""

    def output(self) -> Any:
        """Return what the step puts out once it is over. Raises OrchestraError where it has failed."""

    async def given_up(self, how: str) -> None:
        """Take note that nobody waits any more; `how` the run ends, "timeout" where the step's time is over."""


class _Moment:
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
        """Nobody has to know."""


class _Hold(_Moment):
    """A time that a service named; a run is put away for a longer one only."""

    def __init__(self, due_at: str, patience_seconds: float, clock: Callable[[], datetime]) -> None:
        super().__init__(due_at, None, clock)
        self._patience = timedelta(seconds=patience_seconds)

    def may_park(self) -> bool:
        return self.due_at is not None and self.due_at - self._clock() > self._patience


class _Answer:
    due_at: datetime | None = None

    def __init__(self, questions: Questions, approval: str) -> None:
        self._questions, self._approval = questions, approval

    def is_over(self) -> bool:
        return self._questions.answer(self._approval) is not None

    def may_park(self) -> bool:
        return True

    async def changed(self) -> None:
        await asyncio.Event().wait()

    def output(self) -> Any:
        answer = self._questions.answer(self._approval)
        assert answer is not None
        if not answer.approved:
            because = f": {answer.comment}" if answer.comment else "."
            raise AssertionFailed(f"{answer.by} said no{because}", remedy="Resume the run to ask again.")
        return {"approved": True, "by": answer.by, "at": answer.at, "comment": answer.comment}

    async def given_up(self, how: str) -> None:
        if how not in ("interrupted", "stopped"):
            self._questions.withdraw(self._approval)


class _Child:
    due_at: datetime | None = None

    def __init__(self, children: Children, run_id: str) -> None:
        self._children, self._run_id = children, run_id

    def is_over(self) -> bool:
        return self._children.has_ended(self._run_id)

    def may_park(self) -> bool:
        return self._children.is_put_away(self._run_id)

    async def changed(self) -> None:
        await self._children.ended(self._run_id)

    def output(self) -> Any:
        return self._children.outputs(self._run_id)

    async def given_up(self, how: str) -> None:
        await self._children.end(self._run_id, how)


class Pauses:
    """Begins waits, and finds them again in what a run has written down."""

    def __init__(self, questions: Questions, children: Children, clock: Callable[[], datetime]) -> None:
        self._questions, self._children, self._clock = questions, children, clock

    def begun(
        self, result: Begun, path: str, caller: Any, earlier: Mapping[str, Any] | None, replay: str | None
    ) -> dict[str, Any]:
        """Begin to wait; return what the run must write down in the same turn of the loop.

        `caller` is [workflow, step path, scope …] of the step; `earlier` what it waited for when it last failed: a run
        that it called then goes on; `replay` the run whose answers a called run takes again. Raises OrchestraError.
        """
        if isinstance(result, WaitUntil):
            return {"due_at": timestamp(result.due_at), "then": result.output}
        if isinstance(result, AskPerson):
            return {"approval": self._questions.ask(path, result.message, result.details)}
        if earlier is not None and "child_run_id" in earlier and self._children.go_on(earlier["child_run_id"]):
            return {"child_run_id": earlier["child_run_id"]}
        return {"child_run_id": self._children.start(result.workflow, result.inputs, caller, replay)}

    def is_lost(self, written: Mapping[str, Any]) -> bool:
        """Tell whether a wait that a run has written down must begin anew: its question went with the state file."""
        return "approval" in written and not self._questions.is_known(written["approval"])

    def of(self, written: Mapping[str, Any]) -> Waiting:
        """Return the wait that a run has written down."""
        if "approval" in written:
            return _Answer(self._questions, written["approval"])
        if "child_run_id" in written:
            return _Child(self._children, written["child_run_id"])
        due_at = written["due_at"]
        if is_hold(written):
            return _Hold(due_at, patience_seconds(written), self._clock)
        return _Moment(due_at, written.get("then", {"waited_until": due_at}), self._clock)
