"""Resume runs, open or ended: take ownership, with the original or the current definition."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from engine.base.errors import InUse, InvalidInput, OrchestraError, UnknownName
from engine.base.statuses import RunStatus
from engine.compiler.definition.environment import CompilerContext
from engine.record.acceptance import reaccepted
from engine.record.continuation import events_of
from engine.record.events import Event, decoded, encoded
from engine.record.types.run import Run

if TYPE_CHECKING:
    from engine.record.types.run import Acceptance
    from engine.runner.worker.worker import Worker
    from engine.runs.starting.upgrade_definition import Taken

    Upgrade: TypeAlias = Callable[[Acceptance, Iterable[Event]], Taken]
    """Gives a run another definition."""


class Resuming:
    """Reopens runs for this process to work on; it does not start them."""

    def __init__(
        self, worker: Worker, compiler_context: Callable[[], CompilerContext], read: Callable[[str], Run | None]
    ) -> None:
        self._worker, self._compiler_context, self._read = worker, compiler_context, read

    def answer(self, run_id: str, step: str | None, receipt: str | None) -> None:
        """Resolve the writes of unknown outcome of a run: `receipt`, or None to make them again.

        Raises InvalidInput if the run has no such write.
        """
        answered = self._worker.answer(run_id, step, receipt)
        if not answered:
            where = f" at {step!r}" if step else ""
            raise InvalidInput(
                f"Run {run_id} has no write of unknown outcome{where}; there is nothing to answer.",
                remedy="Another run may have met the same write since: answer for the latest, or resume without it.",
            )

    def open(self, run_id: str, newest: Upgrade | None) -> None:
        """Reopen a run and take ownership; with `newest`, in the current definition.

        Raises InUse if another process works on it, if it has nothing left to do, or (with `newest`) if this process
        works on it; and what `newest` raises (`DefinitionUpgrades.taken`).
        """
        self._worker.wait_if_ending(run_id)
        if not self._took_over(run_id):
            self._reopen(run_id, newest)
        elif newest is not None:
            with self._worker.held(run_id):
                self._redefine(run_id, newest)

    def _took_over(self, run_id: str) -> bool:
        """Take ownership of an open run; return False if it has ended. Raises InUse if another process works on it."""
        if self._worker.owner.take(run_id):
            return True
        row = self._worker.rows.get(run_id)
        if row is not None and row.ended_at is not None:  # read last: it may have ended just now
            return False
        raise InUse(
            f"Run {run_id} belongs to a process that is still working on it.",
            remedy="Wait for it, or stop that process first.",
        )

    def _reopen(self, run_id: str, newest: Upgrade | None) -> None:
        from engine.runs.undo.undo import not_undoing

        with not_undoing(self._worker.folder):
            self._reopen_alone(run_id, newest)

    def _reopen_alone(self, run_id: str, newest: Upgrade | None) -> None:
        run = self._read(run_id)
        if run is None:
            raise UnknownName("run", run_id, remedy="Its log is gone: start a new run.")
        if run["status"] == RunStatus.SUCCEEDED:
            raise InUse(f"Run {run_id} has succeeded; there is nothing to resume.", remedy="Start a new run.")
        self._refuse_undone(run)
        accepted = reaccepted(run, self._compiler_context().connections)
        events: list[Event] = list(events_of(run))
        title = None
        if newest is not None:
            accepted, title, taken = newest(accepted, events)
            events.append(taken)
        self._worker.forget_end(run_id)
        if not self._worker.rows.reopen(accepted, [encoded(one) for one in events], self._worker.owner.id, title):
            raise InUse(f"Run {run_id} is being resumed by somebody else.")

    def _refuse_undone(self, run: Run) -> None:
        from engine.runs.undo.undo import was_undone

        new = next((step["corrected"]["run_id"] for step in run["steps"] if "corrected" in step), None)
        if new is not None:
            raise InUse(
                f"An answer of run {run['run_id']} was corrected, and it would go on from the wrong one.",
                remedy=f"`orchestra runs show {new}` shows the run that goes on from the right one.",
            )
        if any(map(was_undone, self._with_called(run))):
            raise InUse(
                f"Of run {run['run_id']} something was undone, which it would take for done.",
                remedy=f"`orchestra runs rerun {run['run_id']}` does it again.",
            )

    def _with_called(self, run: Run) -> Iterator[Run]:
        """Yield a run and the runs that it called, as far as their logs exist."""
        yield run
        for step in run["steps"]:
            called = self._read(step["child_run_id"]) if step.get("child_run_id") else None
            if called is not None:
                yield from self._with_called(called)

    def _redefine(self, run_id: str, newest: Upgrade) -> None:
        """Give an open run of this process another definition; if it has changed in the meantime, release it again."""
        row, events = self._worker.rows.with_events(run_id)
        if row is None or row.acceptance is None:
            raise InUse(f"Run {run_id} has just ended.")
        try:
            accepted, title, taken = newest(json.loads(row.acceptance), map(decoded, events))
        except OrchestraError:
            self._worker.rows.put_down(run_id, self._worker.owner.id)
            raise
        self._worker.rows.redefine(accepted, title, self._worker.owner.id, encoded(taken))
