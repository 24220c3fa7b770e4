"""Everything a person or program may do with runs."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from typing import Any

from engine.clock import Clock
from engine.compiler.compiler import Surroundings
from engine.compiler.plan import Plan
from engine.connections.accounts import Mode
from engine.errors import InUse, InvalidInput, UnknownName
from engine.expressions.expressions import compact_json
from engine.names import checked_run_id, new_run_id, timestamp
from engine.people.access import Principal, require
from engine.people.audit import Audit
from engine.runner.host import Host
from engine.runner.ledger import answer
from engine.runs.acceptance import Circumstances, acceptance, reaccepted
from engine.runs.document import events_of
from engine.runs.rebuild import Rebuild
from engine.runs.request_keys import Request
from engine.runs.run_log import RunLogs
from engine.runs.run_reader import RunReader
from engine.store.run_rows import OPEN


class Runs(RunReader):
    """The `runs` facet: every method checks the right of `p`; every change writes an audit line."""

    def __init__(
        self,
        host: Host,
        logs: RunLogs,
        audit: Audit,
        clock: Clock,
        plan: Callable[[str], Plan],
        surroundings: Callable[[], Surroundings],
        mode: Callable[[str], Mode],
        rebuild: Rebuild,
    ) -> None:
        super().__init__(host.rows, logs, host.owner.id, host.owner.folder, clock)
        self._host, self._audit, self._clock = host, audit, clock
        self._plan, self._surroundings, self._mode = plan, surroundings, mode
        self._rebuild = rebuild

    def start(
        self,
        p: Principal,
        workflow: str,
        inputs: Mapping[str, Any],
        *,
        request_key: str | None = None,
        origin_run_id: str | None = None,
    ) -> str:
        """Accept a run and start it; return its id once it is on disk.

        The same `request_key` again gives the same run (a double click makes one). Raises UnknownName, InvalidFile,
        InvalidInput, InUse, StorageError.
        """
        require(p, "run", "start runs")
        request = Request.of(request_key, workflow, inputs) if request_key is not None else None
        earlier = self._host.rows.of_request(request) if request is not None else None
        if earlier is not None:  # also where the workflow has changed or gone since
            return earlier
        plan = self._plan(workflow)
        connections = dict(self._surroundings().connections)
        now = self._clock()
        around = Circumstances(
            run_id=new_run_id(now),
            started_by=p.id,
            queued_at=timestamp(now),
            modes={name: self._mode(connections[name]) for name in plan.connections},
            default_mode=self._mode(""),
            connections=connections,
            logs=self._logs.folder,
            origin_run_id=origin_run_id,
        )
        accepted = acceptance(plan, inputs, around)
        self._host.plans.keep(accepted, plan)
        title = str(plan.document.get("title") or plan.name)
        run_id = self._host.rows.insert(accepted, title, self._host.owner.id, request)
        if run_id == around.run_id:
            self._audit.record(p, "runs.start", workflow, {"run_id": run_id})
            self._host.start(run_id)
        return run_id

    def wait(self, p: Principal, run_id: str, seconds: float | None = None) -> dict[str, Any]:
        """Wait until a run of this process has ended or waits (or time is up) and return its document."""
        require(p, "view", "see runs")
        self._host.wait(checked_run_id(run_id), seconds)
        return self.get(p, run_id)

    def cancel(self, p: Principal, run_id: str) -> None:
        """Cancel a run; a write in flight is waited for and keeps its receipt. Raises UnknownName, InUse."""
        require(p, "run", "cancel runs")
        row = self._open_row(run_id, "cancelled")
        self._host.rows.ask_to_cancel(run_id)
        self._audit.record(p, "runs.cancel", row.workflow, {"run_id": run_id})
        if not self._host.end(run_id, "cancelled") and self._host.owner.take(run_id):
            self._host.start(run_id, p.id)

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
    ) -> str:
        """Go on with a run from what failed or was interrupted, with the definition it was accepted with.

        `as_done` / `redo` answer the question of every write whose outcome is unknown, or of the one at the run path
        `step`; `receipt` is its id or address there. Raises UnknownName, InUse.
        """
        require(p, "run", "resume runs")
        row = self._known_row(run_id)
        if as_done and redo:
            raise InvalidInput("A write is either done or to be done again, not both.")
        if as_done or redo:
            self._answer(run_id, step, receipt if as_done else None)
        self._audit.record(p, "runs.resume", row.workflow, {"run_id": run_id})
        self._host.wait_if_ending(run_id)
        if not self._took_over(run_id):
            self._resume_ended(run_id, p)
        self._host.start(run_id, p.id)
        return run_id

    def _answer(self, run_id: str, step: str | None, receipt: str | None) -> None:
        answered = self._host.answer(lambda cursor: answer(cursor, run_id, step, receipt))
        if not answered:
            where = f" at {step!r}" if step else ""
            raise InvalidInput(
                f"Run {run_id} has no write of unknown outcome{where}; there is nothing to answer.",
                remedy="Another run may have met the same write since: answer for the latest, or resume without it.",
            )

    def resume_all(self, p: Principal) -> builtins.list[str]:
        """Resume every run whose process is dead or that was interrupted; return their ids."""
        require(p, "run", "resume runs")
        return self._host.adopt_all()

    def _took_over(self, run_id: str) -> bool:
        """Make an open run ours; False where it has ended. Raises InUse where another process works on it."""
        if self._host.owner.take(run_id):
            return True
        if self._known_row(run_id).ended_at is not None:  # looked at last: it may have ended this very moment
            return False
        raise InUse(
            f"Run {run_id} belongs to a process that is still working on it.",
            remedy="Wait for it, or stop that process first.",
        )

    def _known_row(self, run_id: str) -> Any:
        row = self._host.rows.get(checked_run_id(run_id))
        if row is None:
            raise UnknownName("run", run_id, remedy="`orchestra runs list` shows what there is.")
        return row

    def _resume_ended(self, run_id: str, p: Principal) -> None:
        run = self.get(p, run_id)
        if run["status"] == "succeeded":
            raise InUse(f"Run {run_id} has succeeded; there is nothing to resume.", remedy="Start a new run.")
        accepted = reaccepted(run, self._surroundings().connections)
        events = [compact_json(event) for event in events_of(run)]
        if not self._host.rows.reopen(accepted, events, self._host.owner.id):
            raise InUse(f"Run {run_id} is being resumed by somebody else.")

    def reindex(self, p: Principal) -> tuple[int, builtins.list[str]]:
        """Read list, receipts and open runs again from the logs; return (how many runs, files that cannot be read)."""
        require(p, "admin", "rebuild the index")
        count, broken = self._rebuild.all()
        self._audit.record(p, "runs.reindex", "", {"runs": count})
        return count, broken

    def _open_row(self, run_id: str, what: str) -> Any:
        row = self._known_row(run_id)
        if row.status not in OPEN:
            raise InUse(f"Run {run_id} is {row.status}; it cannot be {what}.")
        return row
