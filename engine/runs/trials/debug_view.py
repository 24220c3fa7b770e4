"""Where a debug run is: the calls that pause, and what the last one returned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.base.json_text import JsonObject
from engine.base.statuses import ACTIVE_RUNS, ENDED_RUNS, RunStatus, StepStatus
from engine.base.step_path import StepPath, in_workflow
from engine.record.types.kind import options_of
from engine.record.types.run import Run
from engine.record.types.step import StepRecord
from engine.store.debugging import DebugState, Why, innermost_loop


@dataclass(frozen=True)
class PausedStep:
    """A call that is made when somebody lets the run go on."""

    path: str
    """In the run: `each_mail[3].classify`."""
    step: str
    """In the workflow: `each_mail.classify`."""
    title: str
    uses: str
    why: Why
    since: str
    """RFC 3339 text in UTC."""
    arguments: JsonObject
    """What the step will get; large values are references to files of the run."""
    loop: str
    """The path of the innermost loop around it, "" outside of loops."""
    item: str
    """The title of the item of that loop."""


@dataclass(frozen=True)
class StepResult:
    """How a step ended."""

    path: str
    step: str
    title: str
    status: StepStatus
    output: Any
    error: str
    """Why it failed, "" if it has not."""
    ended_at: str


@dataclass(frozen=True)
class DebugView:
    """A debug run as a person sees it who steps through it."""

    run_id: str
    workflow: str
    status: RunStatus
    sentence: str
    is_draft: bool
    """Whether it runs a draft, and not the file."""
    breakpoints: Sequence[str]
    is_stepping: bool
    """Whether it pauses at each step, not only at those with a breakpoint."""
    is_moving: bool
    """Whether it goes on now, so that all this changes by itself."""
    paused: Sequence[PausedStep]
    """In the order of the run's steps."""
    last: StepResult | None
    """The step that ended last."""

    @property
    def has_ended(self) -> bool:
        """Whether the run has ended."""
        return self.status in ENDED_RUNS


def view_of(run: Run, state: DebugState) -> DebugView:
    """Return where a debug run is."""
    steps = {step["path"]: step for step in run["steps"]}
    at_pause = [step for step in run["steps"] if step["status"] == StepStatus.WAITING and "paused" in step]
    is_ending = run.get("cancel_requested", False)
    paused = [step for step in at_pause if not is_ending and not state.lets_go(step["path"], step["paused"]["turn"])]
    return DebugView(
        run_id=run["run_id"],
        workflow=run["workflow"],
        status=RunStatus(run["status"]),
        sentence=run["sentence"],
        is_draft=options_of(run)["debug"]["draft"],
        breakpoints=state.breakpoints,
        is_stepping=state.is_stepping,
        is_moving=is_ending or run["status"] in ACTIVE_RUNS or len(paused) < len(at_pause),
        paused=[_paused(step, steps) for step in paused],
        last=_last(run["steps"]),
    )


def _paused(step: StepRecord, steps: dict[str, StepRecord]) -> PausedStep:
    item = next((one for one in StepPath.parse(step["path"]).around() if one.is_item), None)
    around = None if item is None else steps.get(str(item))
    return PausedStep(
        path=step["path"],
        step=in_workflow(step["path"]),
        title=step["title"] or step["id"],
        uses=step["uses"] or "",
        why=step["paused"]["why"],
        since=step.get("waited", [""])[-1],
        arguments=step["arguments"] or {},
        loop=innermost_loop(step["path"]),
        item="" if around is None else around["title"] or around["key"] or "",
    )


def _last(steps: Sequence[StepRecord]) -> StepResult | None:
    """Return the call that ended last; steps that were skipped have returned nothing."""
    ended = [step for step in steps if step["uses"] and step["status"] in (StepStatus.SUCCEEDED, StepStatus.FAILED)]
    step = max(ended, key=lambda one: one["ended_at"] or "", default=None)
    if step is None:
        return None
    return StepResult(
        path=step["path"],
        step=in_workflow(step["path"]),
        title=step["title"] or step["id"],
        status=StepStatus(step["status"]),
        output=step["output"],
        error=step["error"]["message"] if step["error"] else "",
        ended_at=step["ended_at"] or "",
    )
