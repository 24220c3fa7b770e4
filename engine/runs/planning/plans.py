"""The `plans` area: make a plan of a run, show it, apply it."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.base.clock import Clock, timestamp
from engine.base.errors import InUse, PlanNotChecked, UnknownName
from engine.base.json_text import JsonObject, compact
from engine.base.names import checked_run_id
from engine.base.statuses import ENDED_RUNS, AccountMode, RunStatus
from engine.compiler.definition.plan import Plan
from engine.people.access import Principal
from engine.people.operation import operation
from engine.record.acceptance import reaccepted
from engine.record.plans.applied_run import expires_at
from engine.record.run_log import RunLogs
from engine.record.types.kind import kind_of, options_of
from engine.record.types.run import AppliedPlan, Run, RunKind, RunOptions
from engine.record.values import Values
from engine.runs.planning import drift
from engine.runs.planning.agent_turns import folded
from engine.runs.planning.plan_documents import (
    PlanChange,
    PlanDocument,
    PlanFate,
    PlanPage,
    PlanRow,
    PlanState,
    PlanTree,
    plan_document,
    tree_of,
)
from engine.runs.starting.acceptor import Acceptor
from engine.runs.starting.current_plans import CurrentPlans
from engine.runs.starting.rerun import kept_modes
from engine.runs.starting.run_request import RunRequest
from engine.store.acceptances import IdempotentRequest, RunEntry
from engine.store.runs import RunFilter, RunRecord
from engine.workspace.config import Config

if TYPE_CHECKING:
    from engine.runner.worker.worker import Worker
    from engine.runs.runs import Runs

_OF_THE_MOMENT = frozenset({"AuthError", "BadAnswer", "Cancelled", "RateLimited", "Timeout", "Unavailable"})
"""Types of errors that may be gone when the same is asked again."""
_MOST_CHANGES = 100
"""How many changes are kept of a plan that drifted."""


class Plans:
    """Plans of runs, and runs that apply them; every change writes an audit line.

    A plan is a run that writes nothing. It takes the right to run to make one, and to apply one.
    """

    def __init__(
        self,
        worker: Worker,
        logs: RunLogs,
        clock: Clock,
        runs: Runs,
        plans: CurrentPlans,
        acceptor: Acceptor,
        config: Callable[[], Config],
    ) -> None:
        self._worker, self._logs, self._clock, self._runs = worker, logs, clock, runs
        self._plans, self._acceptor, self._config = plans, acceptor, config

    @operation("plans.make", "run", "plan runs", "Plan a run")
    def make(
        self,
        p: Principal,
        workflow: str,
        inputs: JsonObject,
        *,
        request_key: str | None = None,
        environment: str = "",
    ) -> str:
        """Start to plan a run of a workflow; return the id of the plan, with which `runs.wait` waits for it.

        Reads and model calls are made, nothing is written. Raises as `runs.start`.
        """
        asked = f"plan {workflow}" + (f" in {environment}" if environment else "")
        request = IdempotentRequest.if_keyed(request_key, asked, inputs)

        def prepared() -> RunEntry:
            self._runs.require_files(p, inputs)
            plan = self._plans.named(workflow, {}, environment)
            return self._acceptor.prepare(p, plan, RunRequest(inputs, self._terms(plan)), "plans.make", request)

        return self._acceptor.begin_once(request, prepared)

    @operation("plans.again", "run", "plan runs", "Plan a run again")
    def again(self, p: Principal, plan_id: str, *, request_key: str | None = None) -> str:
        """Plan the workflow of a plan as it is now, with the same inputs; return the id of the new plan. See `make`."""
        root = self._tree(p, plan_id).root
        request = IdempotentRequest.if_keyed(request_key, f"plan again {plan_id}", {})

        def prepared() -> RunEntry:
            modes = kept_modes(root, self._acceptor.services(), self._acceptor.mode)
            plan = self._plans.of_run(root, modes)
            wanted = replace(self._run_request(root, self._terms(plan), modes), origin_run_id=None)
            return self._acceptor.prepare(p, plan, wanted, "plans.again", request)

        return self._acceptor.begin_once(request, prepared)

    @operation("plans.list", "view", "see plans", "List the plans")
    def list(
        self, p: Principal, *, before: str | None = None, limit: int = 50, workflow: str | None = None
    ) -> PlanPage:
        """Return at most `limit` plans, newest first; `before` is the id of a plan. Raises UnknownName."""
        if before is not None:
            checked_run_id(before)
        limit = max(1, min(limit, 200))
        rows = self._worker.rows.page(RunFilter(plans=True, workflow=workflow, without=p.hidden.ids), before, limit + 1)
        shown = [self._row(row) for row in rows[:limit]]
        return {"plans": shown, "next": shown[-1]["plan_id"] if len(rows) > limit else None}

    @operation("plans.show", "view", "see plans", "Read a plan")
    def show(self, p: Principal, plan_id: str) -> PlanDocument:
        """Return a plan. Raises UnknownName, InvalidFile."""
        tree = self._tree(p, plan_id)
        applied_by, row = self._applied_run_id(plan_id), self._worker.rows.get(plan_id)
        if row is None:
            fate = PlanFate("expired", applied_by, ())
        else:
            fate = PlanFate(
                self._state(row, applied_by), applied_by, drift.shown_drift(json.loads(row.drift or "[]"), p.sees)
            )
        return folded(plan_document(tree, fate, self._logs.blobs, self._compiled), tree)

    @operation("plans.apply", "run", "apply plans", "Apply a plan")
    def apply(self, p: Principal, plan_id: str) -> str:
        """Execute a plan exactly as it was shown; return the id of the run. First looks at the world again (blocks).

        The run uses the answers of reads and models that the plan was made with. Raises PlanDrift if anything has
        changed since (then nothing is written, and the plan can no longer be applied), PlanNotChecked if a service
        does not answer now, and as `runs.start`.
        """
        tree = self._tree(p, plan_id)
        self._require_not_applied(plan_id)
        self._refuse(p, plan_id, builtins.list(drift.of_the_plan(tree, self._clock())))
        modes = kept_modes(tree.root, self._acceptor.services(), self._acceptor.mode)
        plan = self._plans.of_run(tree.root, modes)
        terms, now = tree.root["options"]["plan"], drift.settings_of(self._config(), plan)
        self._spoil(p, plan_id, builtins.list(drift.of_the_workspace(tree, plan, terms, now)))
        checked = self._checked(p, tree, plan, modes)
        self._spoil(p, plan_id, builtins.list(drift.of_the_world(tree, checked)))
        applied: AppliedPlan = {"plan": plan_id, "root": plan_id}
        wanted = self._run_request(tree.root, {"apply": applied}, modes)
        entry = self._acceptor.prepare(p, plan, wanted, "plans.apply", _request(plan_id))
        run_id = self._acceptor.begin(entry)
        if not entry.is_new:
            self._require_not_applied(plan_id)
        return run_id

    def _require_not_applied(self, plan_id: str) -> None:
        run_id = self._applied_run_id(plan_id)
        if run_id is not None:
            raise drift.applied_before(plan_id, run_id)

    def _checked(self, p: Principal, tree: PlanTree, plan: Plan, modes: dict[str, AccountMode]) -> PlanTree:
        """Plan once more, with the answers of the plan, and return what is found now."""
        options: RunOptions = {"plan": tree.root["options"]["plan"], "check": tree.root["run_id"]}
        wanted = self._run_request(tree.root, options, modes)
        run_id = self._acceptor.begin(self._acceptor.prepare(p, plan, wanted, "plans.check"))
        self._require_checked(p, self._runs.wait(p, run_id))
        return self._tree(p, run_id)

    def _require_checked(self, p: Principal, check: Run) -> None:
        """Raise PlanNotChecked if the world could not be looked at now, which says nothing about the plan."""
        if check["status"] == RunStatus.SUCCEEDED:
            return
        if check["status"] not in ENDED_RUNS:
            with suppress(InUse):  # it has ended meanwhile
                self._runs.cancel(p, check["run_id"])
        error = check["error"]
        if error is None or error["type"] in _OF_THE_MOMENT:
            because = error["message"] if error else f"the check is {check['status']}."
            raise PlanNotChecked(f"What has changed since the plan cannot be checked now: {because}")

    def _run_request(self, run: Run, options: RunOptions, modes: dict[str, AccountMode]) -> RunRequest:
        return RunRequest(
            inputs=Values(self._logs.blobs, run["run_id"]).loaded(run["inputs"]),
            options=options,
            modes=modes,
            default_mode=AccountMode.DEMO if run["demo"] else AccountMode.MINE,
            origin_run_id=run["run_id"],
        )

    def _terms(self, plan: Plan) -> RunOptions:
        return {"plan": {"settings": drift.settings_of(self._config(), plan)}}

    def _refuse(self, p: Principal, plan_id: str, changes: builtins.list[PlanChange]) -> None:
        if changes:
            raise drift.drift(plan_id, drift.shown_drift(changes, p.sees))

    def _spoil(self, p: Principal, plan_id: str, changes: builtins.list[PlanChange]) -> None:
        """Refuse a plan permanently if anything has changed."""
        if changes:
            self._require_not_applied(plan_id)  # else what has changed may be what the other run wrote
            self._worker.rows.spoil_plan(plan_id, compact(changes[:_MOST_CHANGES]))
        self._refuse(p, plan_id, changes)

    def _tree(self, p: Principal, plan_id: str) -> PlanTree:
        remedy = "`orchestra plans list` shows the plans; `orchestra runs show` shows a run."
        try:
            root = self._runs.get(p, plan_id)
        except UnknownName as error:
            raise UnknownName("plan", plan_id, remedy=remedy) from error
        if kind_of(options_of(root)) is not RunKind.PLAN:
            raise UnknownName("plan", plan_id, remedy=remedy)
        return tree_of(root, self._logs.read, self._stored_hash)

    def _stored_hash(self, run_id: str) -> str:
        row = self._worker.rows.get(run_id)
        return (row and row.plan_hash) or ""

    def _compiled(self, run: Run, name: str) -> Plan:
        return self._worker.plans.called(reaccepted(run, self._acceptor.services()), name)

    def _applied_run_id(self, plan_id: str) -> str | None:
        return self._acceptor.earlier(_request(plan_id))

    def _state(self, row: RunRecord, applied_by: str | None) -> PlanState:
        if row.ended_at is None:
            return "planning"
        if applied_by is not None:
            return "applied"
        if row.status != RunStatus.SUCCEEDED:
            return "failed"
        if row.is_drifted:
            return "drifted"
        return "expired" if self._clock() >= expires_at(row.queued_at) else "open"

    def _row(self, row: RunRecord) -> PlanRow:
        applied_by = self._applied_run_id(row.run_id)
        return {
            "plan_id": row.run_id,
            "workflow": row.workflow,
            "title": row.title,
            "state": self._state(row, applied_by),
            "demo": bool(row.demo),
            "environment": row.environment,
            "made_by": row.started_by,
            "made_at": row.queued_at,
            "expires_at": timestamp(expires_at(row.queued_at)),
            "sentence": row.sentence,
            "applied_run_id": applied_by,
        }


def _request(plan_id: str) -> IdempotentRequest:
    """Return the request that applies a plan: it starts one run, however often it is made."""
    return IdempotentRequest.of(f"plan:{plan_id}", plan_id, {})
