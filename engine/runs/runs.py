"""Everything a person or program may do with runs."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from engine.clock import Clock
from engine.compiler.compiler import Surroundings
from engine.compiler.plan import Plan
from engine.connections.accounts import Mode
from engine.errors import InUse, InvalidInput
from engine.names import checked_run_id
from engine.people.access import Principal, require
from engine.people.audit import Audit
from engine.runner.host import Host
from engine.runner.values import Values
from engine.runs.acceptor import Acceptor, Wish, anew
from engine.runs.cancelling import longest_seconds
from engine.runs.options import part_options, rerun_options
from engine.runs.request_keys import Request
from engine.runs.resuming import Resuming
from engine.runs.run_log import RunLogs
from engine.runs.run_reader import RunReader
from engine.store.run_rows import OPEN

if TYPE_CHECKING:
    from engine.runs.newest import Newest
    from engine.runs.rebuild import Rebuild
    from engine.runs.undo import Undo
    from engine.runs.undo_report import UndoReport

_CANCEL_SECONDS = 60.0


class Runs(RunReader):
    """The `runs` facet: every method checks the right of `p`; every change writes an audit line."""

    def __init__(
        self,
        host: Host,
        logs: RunLogs,
        audit: Audit,
        clock: Clock,
        plan: Callable[[str, Mapping[str, Mode]], Plan],
        surroundings: Callable[[], Surroundings],
        mode: Callable[[str], Mode],
        rebuild: Callable[[], Rebuild],
    ) -> None:
        super().__init__(host.rows, logs, host.owner.id, host.owner.folder, clock)
        self._host, self._audit, self._clock = host, audit, clock
        self._plan, self._surroundings, self._mode = plan, surroundings, mode
        self._acceptor = Acceptor(host, logs, audit, clock, surroundings, mode)
        self._resuming = Resuming(host, surroundings, logs.read)
        self._rebuild = rebuild

    @cached_property
    def _newest(self) -> Newest:
        from engine.runs.newest import Newest

        return Newest(self._host, self._logs, self._clock, self._plan, self._acceptor)

    @cached_property
    def _undo(self) -> Undo:
        from engine.runs.undo import Undo

        return Undo(self._host, self._logs, self._clock)

    def live(self, p: Principal, run_id: str) -> dict[str, str]:
        """Return {step path: text so far} of the answers that models are just writing for a run of this process.

        What is recorded is no longer among them. Nothing but a face should depend on it.
        """
        require(p, "view", "see runs")
        return {} if self._host.live is None else self._host.live.of(checked_run_id(run_id))

    def start(
        self,
        p: Principal,
        workflow: str,
        inputs: Mapping[str, Any],
        *,
        request_key: str | None = None,
        pins: Mapping[str, Any] | None = None,
        only: str | None = None,
        from_run: str | None = None,
    ) -> str:
        """Accept a run and start it; return its id once it is on disk.

        The same `request_key` again gives the same run (a double click makes one). The rest makes it a test run:
        `pins`: outputs ({step path: output}, `each_mail.classify` or `each_mail[3].classify`) that are taken instead of
        running those steps; `only`: the one step that runs, of all items or of one; `from_run`: the run whose outputs
        stand in for the others. Raises UnknownName, InvalidFile, InvalidInput, InUse, StorageError.
        """
        require(p, "run", "start runs")
        asked = {name: value for name, value in (("pins", pins), ("only", only), ("from_run", from_run)) if value}
        sent = inputs if not asked else {"inputs": inputs, **asked}
        request = Request.of(request_key, workflow, sent) if request_key is not None else None
        earlier = self._acceptor.earlier(request)
        if earlier is not None:  # also where the workflow has changed or gone since
            return earlier

        def accept() -> str:
            plan = self._plan(workflow, {})
            options = part_options(plan, pins, only, from_run)
            if from_run is not None:
                from engine.runs.rerun import require_same_accounts, source

                require_same_accounts(source(self.get(p, from_run), workflow), self._acceptor.modes(plan, {}))
            return self._acceptor.accept(p, plan, Wish(inputs, options), request, "runs.start")

        return anew(accept)

    def start_all(self, p: Principal, workflow: str, inputs: Iterable[Mapping[str, Any]]) -> builtins.list[str]:
        """Accept a run for each of these inputs, all or none, and start them; return their ids once all are on disk.

        Raises as `start`.
        """
        require(p, "run", "start runs")
        wishes = [Wish(one) for one in inputs]
        return anew(lambda: self._acceptor.accept_all(p, self._plan(workflow, {}), wishes, "runs.start"))

    def rerun(
        self,
        p: Principal,
        run_id: str,
        *,
        receipts: str = "reuse",
        replay: bool = False,
        inputs: Mapping[str, Any] | None = None,
        request_key: str | None = None,
    ) -> str:
        """Run the workflow of an earlier run as its file is now, with the same inputs and accounts; return the new id.

        `receipts`: what was written before is kept ("reuse"), brought to what this run wants ("update") or written
        anew ("force"). `replay`: what was read, and what models answered, is taken from the earlier run where the same
        is asked. `inputs`: those that are to be others. Raises as `start`.
        """
        from engine.runs.rerun import again, kept_modes, source

        require(p, "run", "start runs")
        sent = {"inputs": inputs or {}, "receipts": receipts, "replay": replay}
        request = Request.of(request_key, f"rerun {run_id}", sent) if request_key is not None else None
        known = self._acceptor.earlier(request)
        if known is not None:
            return known
        earlier = self.get(p, run_id)
        options = rerun_options(receipts, source(earlier)["run_id"] if replay else None)
        modes = kept_modes(earlier, self._surroundings().connections, self._mode)

        def accept() -> str:
            plan = self._plan(earlier["workflow"], modes)
            wish = again(earlier, plan, Values(self._logs.folder, run_id), inputs or {}, options, modes)
            return self._acceptor.accept(p, plan, wish, request, "runs.rerun")

        return anew(accept)

    def wait(self, p: Principal, run_id: str, seconds: float | None = None) -> dict[str, Any]:
        """Wait until a run of this process has ended or waits (or time is up) and return its document."""
        require(p, "view", "see runs")
        self._host.wait(checked_run_id(run_id), seconds)
        return self.get(p, run_id)

    def cancel(self, p: Principal, run_id: str) -> float:
        """Cancel a run; return how many seconds it may take at most until it has ended.

        Reads are abandoned; a write in flight is waited for, to its deadline, and keeps its receipt. Until then the
        run's document has `cancel_requested`. Raises UnknownName, InUse.
        """
        require(p, "run", "cancel runs")
        row = self._open_row(run_id, "cancelled")
        self._host.rows.ask_to_cancel(run_id)
        self._audit.record(p, "runs.cancel", row.workflow, {"run_id": run_id})
        if not self._host.end(run_id, "cancelled") and self._host.owner.take(run_id):
            self._host.go_on(run_id, p.id)
        return longest_seconds(self._host.rows, run_id)

    def interrupt(self, p: Principal, run_id: str) -> None:
        """Stop a run of this process so that it can be resumed later (Ctrl-C)."""
        require(p, "run", "interrupt runs")
        self._host.end(run_id, "interrupted")

    def resume(
        self,
        p: Principal,
        run_id: str,
        *,
        as_done: bool = False,
        redo: bool = False,
        step: str | None = None,
        receipt: str = "",
        newest: bool = False,
    ) -> str:
        """Go on with a run from what failed or was interrupted, with the definition it was accepted with.

        `as_done` / `redo` answer the question of every write whose outcome is unknown, or of the one at the run path
        `step`; `receipt` is its id or address there. `newest`: go on with the file and the prompts as they are now,
        where that changes nothing about what has finished. Raises UnknownName, InUse, InvalidFile, and InvalidInput
        (its details name the `differences`).
        """
        require(p, "run", "resume runs")
        row = self._known_row(run_id)
        if as_done and redo:
            raise InvalidInput("A write is either done or to be done again, not both.", remedy="Say one of the two.")
        if newest:
            self._newest.check(self.get(p, run_id))
        if as_done or redo:
            self._resuming.answer(run_id, step, receipt if as_done else None)
        self._audit.record(p, "runs.resume", row.workflow, {"run_id": run_id, **({"newest": True} if newest else {})})
        self._resuming.open(run_id, self._newest if newest else None)
        self._host.go_on(run_id, p.id)
        return run_id

    def resume_all(self, p: Principal) -> builtins.list[str]:
        """Resume every run whose process is dead or that was interrupted; return their ids."""
        require(p, "run", "resume runs")
        return self._host.adopt_all()

    def _known_row(self, run_id: str) -> Any:
        row = self._host.rows.get(checked_run_id(run_id))
        if row is None:
            raise self._host.rows.unknown(run_id)
        return row

    def undoable(self, p: Principal, run_id: str, *, item: str | None = None) -> UndoReport:
        """Tell what `undo` would do, without asking any service: `undone` is what it would try.

        Raises UnknownName, InvalidFile.
        """
        require(p, "run", "undo runs")
        self._known_row(run_id)
        return self._undo.preview(run_id, item)

    def undo(self, p: Principal, run_id: str, *, item: str | None = None) -> UndoReport:
        """Take back what a run and the runs that it called have written, the last write first.

        `item`: only what was written below the loop item with this key. A run that was interrupted ends as cancelled
        first. Broken off, it may be called again. Raises UnknownName, InUse, InvalidFile, StorageError.
        """
        require(p, "run", "undo runs")
        row = self._known_row(run_id)
        self._audit.record(p, "runs.undo", row.workflow, {"run_id": run_id, "item": item})
        if row.ended_at is None:
            self._end_interrupted(p, row)
        return self._undo.undo(run_id, p.id, item)

    def _end_interrupted(self, p: Principal, row: Any) -> None:
        """Cancel a run that nobody works on, so that nobody goes on with it. Raises InUse."""
        status = self._list.true_status(row)
        if status != "interrupted":
            raise InUse(
                f"Run {row.run_id} is {status}; what it writes can be undone when it has ended.",
                remedy=f"`orchestra runs cancel {row.run_id}` ends it.",
            )
        self.cancel(p, row.run_id)
        self._host.wait(row.run_id, _CANCEL_SECONDS)

    def reindex(self, p: Principal) -> tuple[int, builtins.list[str]]:
        """Read list, receipts and open runs again from the logs; return (how many runs, files that cannot be read)."""
        require(p, "admin", "rebuild the index")
        count, broken = self._rebuild().all()
        self._audit.record(p, "runs.reindex", "", {"runs": count})
        return count, broken

    def _open_row(self, run_id: str, what: str) -> Any:
        row = self._known_row(run_id)
        if row.status not in OPEN:
            raise InUse(
                f"Run {run_id} is {row.status}; it cannot be {what}.",
                remedy="`orchestra runs show` tells what it did; `orchestra runs undo` takes its writes back.",
            )
        return row
