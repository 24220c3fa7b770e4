"""What a text does when it runs twice on the stand-ins: what it writes, and whether the second run writes again."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from engine.base.errors import InvalidInput
from engine.base.statuses import RunStatus, StepStatus
from engine.compiler.definition.plan import Plan
from engine.copilot.proposals.records import LONGEST_TRY_SECONDS, DemoRun, SecondRun
from engine.people.access import Principal
from engine.people.operation import operation
from engine.record.types.run import Run
from engine.runs.environments.outside_reach import outside
from engine.runs.trials.samples import required_inputs
from engine.runs.trials.trials import Trial, Trials

if TYPE_CHECKING:
    from engine.runs.runs import Runs

_SECONDS = LONGEST_TRY_SECONDS / 2  # for each of the two runs
_LOOK_SECONDS = 0.2
_OVER = (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED)


class DemoRuns:
    """Runs of texts that are not saved. No real account is used, whatever the settings are."""

    def __init__(
        self, plan: Callable[[str, str], Plan], trials: Trials, runs: Runs, services: Callable[[], Mapping[str, str]]
    ) -> None:
        """`plan(workflow, text)` returns the plan of a text; `services()` that of each connection."""
        self._plan, self._trials, self._runs, self._services = plan, trials, runs, services

    @operation("copilot.try", "run", "try proposals", "Run a proposed workflow in the demo")
    def run(self, p: Principal, workflow: str, text: str, seconds: float) -> DemoRun:
        """Run a text twice and wait for both, each for a minute at most, and `seconds` together.

        Raises InvalidFile, InvalidInput.
        """
        ends_at = time.monotonic() + seconds
        plan = self._plan(workflow, text)
        self._require_stand_ins(plan)
        # Receipts belong to the id of a workflow: with one of its own, the first run finds none of earlier runs.
        plan = replace(plan, document={**plan.document, "id": f"try-{uuid.uuid4().hex[:16]}"})
        first = self._ended(p, plan, ends_at)
        is_good = first["status"] == RunStatus.SUCCEEDED
        has_time = time.monotonic() < ends_at
        second = self._ended(p, plan, ends_at) if is_good and has_time else None
        usage = first.get("usage") or {}
        return DemoRun(
            run_id=first["run_id"],
            status=str(first["status"]),
            writes=dict(Counter(self._writes(p, first))),
            destinations=list(outside(plan, self._services()).destinations),
            second_run=None if second is None else SecondRun(str(second["status"]), len(list(self._writes(p, second)))),
            problems=[*_problems(first), *(_problems(second) if second is not None else [])]
            + (["There was no time for a second run."] if is_good and not has_time else []),
            input_tokens=usage.get("input_tokens", 0),
            output_tokens=usage.get("output_tokens", 0),
            cost_usd=usage.get("cost_usd", 0.0),
            asks=_asks(first),
        )

    def _ended(self, p: Principal, plan: Plan, ends_at: float) -> Run:
        """Start a run and wait until it has ended, until `ends_at` at most; one that has not is cancelled."""
        run_id = self._trials.start(p, lambda: (plan, Trial(required_inputs(plan))), "copilot.try")
        until = min(ends_at, time.monotonic() + _SECONDS)
        run = self._runs.wait(p, run_id, max(0.0, until - time.monotonic()))
        while run["status"] not in _OVER and run["status"] != RunStatus.WAITING and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)
            run = self._runs.get(p, run_id)
        if run["status"] not in _OVER:
            self._runs.cancel(p, run_id)
        return run

    def _writes(self, p: Principal, run: Run) -> Iterator[str]:
        """Yield the step type of each write that a run has made, itself or in the runs that it called."""
        for step in run["steps"]:
            effect: Mapping[str, Any] | None = step.get("effect")
            if effect is not None and not effect.get("reused"):
                yield str(step.get("uses") or step["path"])
            child = step.get("child_run_id")
            if child:
                yield from self._writes(p, self._runs.get(p, str(child)))

    def _require_stand_ins(self, plan: Plan) -> None:
        remedy = "Accept it into the draft, and plan it there."
        self._trials.require_stand_ins(plan, "A proposal is tried on stand-ins only", remedy)
        if plan.calls_openly:
            raise InvalidInput(
                "A proposal is tried on stand-ins only, and a step requests a web address without a connection.",
                remedy="Give the step a connection to try it.",
            )


def _asks(run: Run) -> dict[str, int]:
    """Return how many questions a run waits for, by step type."""
    waiting = [one for one in run["steps"] if one["status"] == StepStatus.WAITING and one.get("approval")]
    return dict(Counter(str(one["uses"] or one["path"]) for one in waiting))


def _problems(run: Run) -> Iterator[str]:
    """Yield why a run has not done its work; that it asks a person is no problem."""
    error = run.get("error")
    if error is not None:
        yield f"{error['step'] or 'The run'}: {error['message']}"
    elif _asks(run):
        return
    elif run["status"] not in _OVER:
        is_waiting = run["status"] == RunStatus.WAITING
        why = "it waits for a time or a service" if is_waiting else "its time was over"
        yield f"The run was {run['status']}, and was cancelled: {why}."
