"""Everything that people and programs can do with runs."""

from __future__ import annotations

import builtins
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from typing_extensions import Unpack

from engine.base.clock import Clock, timestamp
from engine.base.errors import InUse, InvalidInput, UnknownName
from engine.base.json_text import JsonObject
from engine.base.names import checked_run_id
from engine.base.statuses import OPEN_RUNS, Ending, Priority, RunStatus
from engine.base.threads import shared_property
from engine.compiler.definition.environment import CompilerContext
from engine.compiler.definition.plan import Plan
from engine.people.access import Principal, may
from engine.people.answer_links import without_links_in
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.record.acceptance import reaccepted
from engine.record.options import part_options, rerun_options
from engine.record.run_log import RunLogs
from engine.record.types.run import OutsideInput, Run
from engine.record.values import Values
from engine.runs.cancelling import longest_seconds
from engine.runs.resuming import Resuming
from engine.runs.run_reader import RunReader, waits_for
from engine.runs.starting.acceptor import Acceptor
from engine.runs.starting.consent import is_real
from engine.runs.starting.current_plans import CurrentPlans
from engine.runs.starting.ready import ReadyRun, StartOptions, begin_each
from engine.runs.starting.run_request import RunRequest, retry_if_renamed
from engine.store.acceptances import IdempotentRequest, RunEntry

if TYPE_CHECKING:
    from engine.runner.worker.worker import Worker
    from engine.runs.reindex import Reread
    from engine.runs.starting.upgrade_definition import DefinitionUpgrades, NewerDefinition
    from engine.runs.undo.undo import Undo
    from engine.runs.undo.undo_report import UndoReport

_CANCEL_SECONDS = 60.0


class Runs(RunReader):
    """The `runs` area; every change writes an audit line."""

    def __init__(
        self,
        worker: Worker,
        logs: RunLogs,
        audit: Audit,
        clock: Clock,
        plans: CurrentPlans,
        compiler_context: Callable[[], CompilerContext],
        acceptor: Acceptor,
        reindex: Callable[[], Reread],
    ) -> None:
        owner, told = worker.owner, waits_for(worker.state.claims, worker.owner.limits, clock)
        super().__init__(worker.state, logs, plans.ids, owner.id, owner.locks, clock, told)
        self._worker, self._audit, self._clock = worker, audit, clock
        self._plans, self._compiler_context, self._acceptor = plans, compiler_context, acceptor
        self._resuming = Resuming(worker, compiler_context, logs.read)
        self._reindex = reindex

    @shared_property
    def _newest(self) -> DefinitionUpgrades:
        from engine.runs.starting.upgrade_definition import DefinitionUpgrades

        return DefinitionUpgrades(self._worker, self._logs, self._clock, self._plans.of_run, self._acceptor)

    @shared_property
    def _undo(self) -> Undo:
        from engine.runs.undo.undo import Undo

        return Undo(self._worker, self._logs, self._clock)

    @operation("runs.live", "view", "see runs", "Read what models are writing to a run")
    def live(self, p: Principal, run_id: str) -> dict[str, str]:
        """Return {step path: text so far} of the answers that models are streaming to a run, in whichever process.

        Answers already recorded are not included. For display only.
        """
        found = {} if self._worker.live is None else self._worker.live.of(checked_run_id(run_id))
        return found if may(p, "run") else without_links_in(found)  # whole, as they are sent piece by piece

    @operation("runs.start", "run", "start runs", "Start a run")
    def start(self, p: Principal, workflow: str, inputs: JsonObject, **options: Unpack[StartOptions]) -> str:
        """Accept a run and start it; return its id once it is on disk.

        Raises UnknownName, InvalidFile, InvalidInput, InUse, TooManyRuns, StorageError, and ConfirmationNeeded if it
        touches real accounts that nobody, `p` included, has agreed to.
        """
        [outcome] = self.begin_each([self.ready(p, workflow, inputs, **options)])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    @operation("runs.ready", "run", "start runs", "Check a run before it starts")
    def ready(self, p: Principal, workflow: str, inputs: JsonObject, **options: Unpack[StartOptions]) -> ReadyRun | str:
        """Check a run and return it for `begin_each`, or the id of the run that the same request started before.

        Raises as `start`.
        """
        asked = {name: value for name, value in options.items() if value and name != "request_key"}
        sent = inputs if not asked else {"inputs": inputs, **asked}
        request = IdempotentRequest.if_keyed(options.get("request_key"), workflow, sent)
        earlier = self._acceptor.earlier(request)
        if earlier is not None:  # even if the workflow has been changed or deleted
            return earlier
        self._acceptor.admission.require()
        self.require_files(p, [inputs, options.get("pins")])

        def entry() -> RunEntry:
            plan = self._plans.named(workflow, {}, options.get("environment", ""))
            wanted = self._wanted(p, plan, inputs, options)
            return self._acceptor.prepare(p, plan, wanted, "runs.start", request)

        return ReadyRun(retry_if_renamed(entry), entry)

    def _wanted(self, p: Principal, plan: Plan, inputs: JsonObject, options: StartOptions) -> RunRequest:
        from_run = options.get("from_run")
        part = part_options(plan, options.get("pins"), options.get("only"), from_run)
        outside: Sequence[OutsideInput] = ()
        if from_run is not None:
            from engine.runs.starting.rerun import outdated, outside_inputs_of, require_same_accounts, source

            earlier = source(self.get(p, from_run), plan)
            require_same_accounts(earlier, self._acceptor.modes(plan, {}))
            outside = outside_inputs_of(earlier)  # its outputs were made of them, whatever the inputs are now
            part = {**part, **outdated(earlier, plan, part)}
        return RunRequest(inputs, part, outside_inputs=outside, priority=options.get("priority"))

    def begin_each(self, runs: Sequence[ReadyRun | str]) -> builtins.list[str | Exception]:
        """Store runs in one transaction and start them; return the id of each once all are on disk, or its error."""
        return begin_each(self._acceptor, runs)

    @operation("runs.start_all", "run", "start runs", "Start several runs")
    def start_all(
        self, p: Principal, workflow: str, inputs: Iterable[JsonObject], environment: str = ""
    ) -> builtins.list[str]:
        """Accept a run for each of these inputs, all or none, and start them; return their ids once all are on disk.

        Their priority is low unless their workflow says otherwise. Raises as `start`.
        """
        run_requests = [RunRequest(one, usual_priority=Priority.LOW) for one in inputs]
        self.require_files(p, [one.inputs for one in run_requests])

        def begun() -> builtins.list[str]:
            plan = self._plans.named(workflow, {}, environment)
            entries = [self._acceptor.prepare(p, plan, one, "runs.start") for one in run_requests]
            self._acceptor.begin_each(entries)
            return [one.started() for one in entries]

        return retry_if_renamed(begun)

    @operation("runs.rerun", "run", "start runs", "Repeat a run")
    def rerun(
        self,
        p: Principal,
        run_id: str,
        *,
        receipts: str = "reuse",
        replay: bool = False,
        inputs: JsonObject | None = None,
        request_key: str | None = None,
    ) -> str:
        """Repeat an earlier run with the current workflow, the same inputs and accounts; return the new id.

        `receipts`: earlier writes are kept ("reuse"), updated to what this run wants ("update") or made again
        ("force"). `replay`: reads and model answers are taken from the earlier run if the request is the same.
        `inputs`: inputs to replace. Raises as `start`.
        """
        from engine.runs.starting.rerun import again, kept_modes, require_no_plan, source

        sent = {"inputs": inputs or {}, "receipts": receipts, "replay": replay}
        request = IdempotentRequest.if_keyed(request_key, f"rerun {run_id}", sent)

        def prepared() -> RunEntry:
            self._acceptor.admission.require()
            self.require_files(p, inputs or {})
            earlier = self.get(p, run_id)
            require_no_plan(earlier)
            options = rerun_options(receipts, source(earlier)["run_id"] if replay else None)
            modes = kept_modes(earlier, self._compiler_context().connections, self._acceptor.mode)
            plan = self._plans.of_run(earlier, modes)
            wanted = again(earlier, plan, Values(self._logs.blobs, run_id), inputs or {}, options, modes)
            return self._acceptor.prepare(p, plan, wanted, "runs.rerun", request)

        return self._acceptor.begin_once(request, prepared)

    @operation("runs.wait", "view", "see runs", "Wait for a run")
    def wait(self, p: Principal, run_id: str, seconds: float | None = None) -> Run:
        """Wait until a run of this process has ended or is waiting, or until the timeout; return its document."""
        ends_at = None if seconds is None else time.monotonic() + seconds
        while True:
            left = None if ends_at is None else max(0.0, ends_at - time.monotonic())
            self._worker.wait(checked_run_id(run_id), left)
            run = self.get(p, run_id)
            if run["status"] != RunStatus.RUNNING or left == 0:
                return run
            if not self._worker.is_at_work_on(run_id):  # another process is, or it has ended since
                return self.get(p, run_id)

    @operation("runs.cancel", "run", "cancel runs", "Cancel a run")
    def cancel(self, p: Principal, run_id: str) -> float:
        """Cancel a run; return the maximum number of seconds until it has ended.

        Reads are abandoned; a write in flight is awaited until its deadline and keeps its receipt. Until then the run's
        document has `cancel_requested`. Raises UnknownName, InUse.
        """
        row = self._open_row(run_id, RunStatus.CANCELLED)
        self._worker.rows.ask_to_cancel(run_id)
        self._audit.record(p, "runs.cancel", row.workflow, {"run_id": run_id})
        if not self._worker.end(run_id, Ending.CANCELLED) and self._worker.owner.take(run_id):
            self._worker.go_on(run_id, p.id)
        return longest_seconds(self._worker.rows, run_id)

    @operation("runs.interrupt", "run", "interrupt runs", "Interrupt a run")
    def interrupt(self, p: Principal, run_id: str) -> None:
        """Stop a run of this process so that it can be resumed later (Ctrl-C)."""
        self._worker.end(run_id, Ending.INTERRUPTED)

    @operation("runs.resume", "run", "resume runs", "Resume a run")
    def resume(
        self,
        p: Principal,
        run_id: str,
        *,
        as_done: bool = False,
        redo: bool = False,
        step: str | None = None,
        receipt: str = "",
        newest: bool | None = False,
    ) -> str:
        """Resume a run from what failed or was interrupted, with the definition it was accepted with.

        `as_done` / `redo` resolve every write whose outcome is unknown, or the one at the run path `step`; `receipt` is
        its id or address there. `newest`: continue with the current file and prompts, which must not change finished
        steps; None: where they do not, else as accepted. Raises UnknownName, InUse, InvalidFile, InvalidInput (its
        details list the `differences`), and ConfirmationNeeded if the accounts have changed.
        """
        row = self._known_row(run_id)
        if as_done and redo:
            raise InvalidInput("A write is either done or to be done again, not both.", remedy="Say one of the two.")
        run = self.get(p, run_id)
        plan = self._newest.fitting(run) if newest is None else self._newest.checked(run, p.sees) if newest else None
        self._require_consent(p, run, plan)
        if as_done or redo:
            self._resuming.answer(run_id, step, receipt if as_done else None)
        self._audit.record(
            p, "runs.resume", row.workflow, {"run_id": run_id, **({"newest": True} if plan is not None else {})}
        )
        self._resuming.open(run_id, None if plan is None else partial(self._newest.taken, plan))
        self._worker.state.spent.resume([run_id], timestamp(self._clock()))  # it may wait for a budget
        self._worker.go_on(run_id, p.id)
        return run_id

    @operation("runs.newer", "view", "see runs", "See what has changed in the workflow of a run")
    def newer(self, p: Principal, run_id: str) -> NewerDefinition | None:
        """Return what the file of the run's workflow has in place of the definition that the run was accepted with.

        None if that is the same, if there is no file, or if the run belongs to a plan, a draft or a file of a run.
        Raises UnknownName.
        """
        return self._newest.newer(self.get(p, run_id), p.sees)

    def _require_consent(self, p: Principal, run: Run, newest: Plan | None) -> None:
        """Raise ConfirmationNeeded if a resumed run would use accounts that nobody has agreed to."""
        accepted = reaccepted(run, self._compiler_context().connections)
        plan = newest or self._worker.plans.plan(accepted)
        modes = self._acceptor.modes(plan, accepted["modes"], in_demo=accepted["demo"])
        inputs = {key: one for key, one in run["inputs"].items() if not (isinstance(one, dict) and "$file" in one)}
        consents, default = self._acceptor.consents, accepted["default_mode"]
        consents.require_may_write(plan, inputs, modes, default, accepted["options"])
        if not is_real(plan, modes, default):
            return
        above = self._top(p, run)
        consents.require(p, plan, inputs, modes, default, above=above)

    def _top(self, p: Principal, run: Run) -> Run:
        """Return the run at the top of the call chain: consent to its workflow covers the runs that it calls."""
        while run["parent_run_id"]:
            try:
                run = self.get(p, run["parent_run_id"])
            except UnknownName:
                break
        return run

    @operation("runs.resume_all", "run", "resume runs", "Resume all interrupted runs")
    def resume_all(self, p: Principal) -> builtins.list[str]:
        """Resume every run that was interrupted or whose process is dead; return their ids."""
        return self._worker.adopt_all()

    def _known_row(self, run_id: str) -> Any:
        row = self._worker.rows.get(checked_run_id(run_id))
        if row is None:
            raise self._worker.rows.unknown(run_id)
        return row

    @operation("runs.undoable", "run", "undo runs", "See what undoing a run would do")
    def undoable(self, p: Principal, run_id: str, *, item: str | None = None) -> UndoReport:
        """Return what `undo` would do, without calling a service: `undone` is what it would try.

        Raises UnknownName, InvalidFile.
        """
        self._known_row(run_id)
        return self._undo.preview(run_id, item)

    @operation("runs.undo", "run", "undo runs", "Undo the writes of a run")
    def undo(self, p: Principal, run_id: str, *, item: str | None = None) -> UndoReport:
        """Undo the writes of a run and of the runs it called, the last write first.

        `item`: only writes inside the loop item with this key. An interrupted run is cancelled first. An interrupted
        undo can be repeated. Raises UnknownName, InUse, InvalidFile, StorageError.
        """
        row = self._known_row(run_id)
        self._audit.record(p, "runs.undo", row.workflow, {"run_id": run_id, "item": item})
        if row.ended_at is None:
            self._end_interrupted(p, row)
        return self._undo.undo(run_id, p.id, item)

    def _end_interrupted(self, p: Principal, row: Any) -> None:
        """Cancel a run that no process works on, so that none resumes it. Raises InUse."""
        status = self._list.true_status(row)
        if status != RunStatus.INTERRUPTED:
            raise InUse(
                f"Run {row.run_id} is {status}; what it writes can be undone when it has ended.",
                remedy=f"`orchestra runs cancel {row.run_id}` ends it.",
            )
        self.cancel(p, row.run_id)
        self._worker.wait(row.run_id, _CANCEL_SECONDS)

    @operation("runs.reindex", "admin", "rebuild the index", "Rebuild the index of runs")
    def reindex(self, p: Principal) -> tuple[int, dict[str, str]]:
        """Rebuild list, receipts and open runs from the logs; return (number of runs, {unreadable file: reason})."""
        reread = self._reindex()
        self._audit.record(p, "runs.reindex", "", {"runs": len(reread.found)})
        return len(reread.found), reread.reasons

    def _open_row(self, run_id: str, what: str) -> Any:
        row = self._known_row(run_id)
        if row.status not in OPEN_RUNS:
            raise InUse(
                f"Run {run_id} is {row.status}; it cannot be {what}.",
                remedy="`orchestra runs show` tells what it did; `orchestra runs undo` takes its writes back.",
            )
        return row
