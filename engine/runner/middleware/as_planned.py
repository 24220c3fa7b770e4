"""Let through only the writes that a plan has shown, to targets that are as they were when it was made."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from clients.reads_only import reads_only
from engine.base.errors import PlanDrift
from engine.base.lazy_values import complete
from engine.plugins.step import Effect
from engine.record.differences import shown
from engine.record.plans.applied_run import misfit
from engine.record.types.kind import RunKind, kind_of
from engine.record.types.run import RunOptions
from engine.record.types.step import PlannedStep
from engine.runner.effects.job import Remarks
from engine.runner.execution.step_call import Middleware, Next, Outcome, StepCall

if TYPE_CHECKING:
    from engine.runner.execution.run_context import RunContext


class AsPlanned(Middleware):
    """Raises PlanDrift for a write that differs from what a plan has shown, before anything of it is sent."""

    is_for_services = True

    def __init__(self, run: RunContext) -> None:
        self._run = run

    @classmethod
    def is_wanted(cls, options: RunOptions) -> bool:
        """Return whether the run applies a plan."""
        return kind_of(options) is RunKind.APPLY

    async def __call__(self, call: StepCall, call_next: Next) -> Outcome:
        """Make the call, a write only as it was planned."""
        if call.effect is Effect.WRITES:
            await self._require(call)
        return await call_next(call)

    async def _require(self, call: StepCall) -> None:
        plan = self._run.applied
        assert plan is not None
        step = plan.step(call.path)
        planned = None if step is None else step.get("planned")
        if step is None or planned is None or "write" not in planned:
            if not plan.leaves_open(call.node.path):
                raise _drift(call.path, "not planned", "to be written")
            return
        wrong = await asyncio.to_thread(lambda: misfit(plan.arguments(step), complete(call.arguments)))
        if wrong is not None:
            raise _drift(f"{call.path}.{wrong.field}", shown(wrong.old), shown(wrong.new))
        if step["connection"] != call.action.connection or not self._is_same_account(call, planned):
            raise _drift(call.path, f"as {planned.get('account')}", f"as {call.write and call.write.account}")
        if not await self._is_begun(call, planned):
            await self._require_unchanged(call, planned)

    def _is_same_account(self, call: StepCall, planned: PlannedStep) -> bool:
        return call.write is None or "account" not in planned or call.write.account == planned["account"]

    async def _is_begun(self, call: StepCall, planned: PlannedStep) -> bool:
        """Return whether the write was planned as kept, or this run has begun it. Raises PlanDrift for another run."""
        assert call.write is not None
        entry = await asyncio.to_thread(self._run.receipts.get, call.write.identity)
        if entry is None or entry.state == "undone":
            if planned["write"] == "kept":
                raise _drift(call.path, "made before, and kept", "undone")
            return False
        if planned["write"] == "new" and entry.run_id != call.run_id and not planned.get("unknown"):
            raise _drift(call.path, "not made yet", f"made by run {entry.run_id}")
        return True

    async def _require_unchanged(self, call: StepCall, planned: PlannedStep) -> None:
        """Look at the target once more, unless another write of the same plan changes it, too."""
        before, plan = planned.get("preview"), self._run.applied
        assert plan is not None
        if before is None or not before["object"] or planned.get("unknown") or plan.is_shared(planned):
            return
        job, kind = self._run.job(call)._replace(guard=reads_only), call.action.step_type
        now = await self._run.reads.ask(job, lambda: kind.preview(job.call(1, self._run.clock(), Remarks())))
        if (now.before, now.version) != (before["before"], before["version"]):
            raise _drift(call.path, before["before"], now.before)


def _drift(path: str, before: Any, after: Any) -> PlanDrift:
    return PlanDrift(
        f"{path} is not as it was planned: it was {before}, and now {after}. It was not written.",
        differences=[{"path": path, "before": str(before), "after": str(after)}],
    )
