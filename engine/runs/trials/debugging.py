"""The `debugging` area: start a run that pauses before steps, and let it go on step by step."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, get_args

from clients.wording import did_you_mean, listed
from engine.base.clock import Clock, timestamp
from engine.base.errors import InUse, InvalidInput
from engine.base.json_text import JsonObject
from engine.base.statuses import AccountMode
from engine.compiler.definition.plan import Plan
from engine.people.access import Principal
from engine.people.operation import operation
from engine.record.options import breakpoints_of
from engine.record.types.kind import kind_of, options_of
from engine.record.types.run import Run, RunKind
from engine.runs.run_reader import RunReader
from engine.runs.trials.debug_view import DebugView, PausedStep, view_of
from engine.runs.trials.trials import Trial, TrialPauses, Trials
from engine.store.acceptances import IdempotentRequest
from engine.store.debugging import DebugState

if TYPE_CHECKING:
    from engine.runner.worker.worker import Worker

Past = Literal["", "loop", "breakpoint"]
"""What a run that continues no longer pauses for: nothing, the loop around a paused step, its breakpoint."""
_LOOK_SECONDS = 0.1


class Debugging:
    """Runs that pause before steps, and go on when a person lets them.

    A debug run writes only to the stand-ins, so its start has an audit line, but not each step through it.
    """

    def __init__(
        self,
        worker: Worker,
        clock: Clock,
        runs: RunReader,
        trials: Trials,
        plan: Callable[[Principal, str], tuple[Plan, bool]],
    ) -> None:
        """`plan(p, workflow)` returns the plan of what a person edits, and whether that is a draft."""
        self._worker, self._clock, self._runs, self._trials, self._plan = worker, clock, runs, trials, plan
        self._store = worker.state.debugging

    @operation("runs.debug", "run", "start runs", "Start a debug run")
    def start(
        self,
        p: Principal,
        workflow: str,
        inputs: JsonObject,
        *,
        breakpoints: Sequence[str] = (),
        request_key: str | None = None,
    ) -> str:
        """Start a run of the person's draft, or else of the file, on the stand-ins; return its id once it is on disk.

        It pauses before each step in `breakpoints` (see `breakpoints_of`), and without any before its first step. Who
        may not edit runs the file. Repeating a `request_key` returns the same run. Raises UnknownName, InvalidFile,
        InvalidInput (a step that is not there, a service without a stand-in, a wrong input), InUse, StorageError.
        """
        sent = {"inputs": inputs, "breakpoints": list(breakpoints)}
        request = IdempotentRequest.if_keyed(request_key, f"debug {workflow}", sent)

        def tried() -> tuple[Plan, Trial]:
            plan, is_draft = self._plan(p, workflow)
            remedy = f"`orchestra run {plan.name} --only STEP` tests one step, `--pin STEP=JSON` gives an output."
            self._trials.require_stand_ins(plan, "A debug run uses only stand-ins", remedy)
            return plan, Trial(inputs, TrialPauses(breakpoints, is_draft))

        return self._trials.start(p, tried, "runs.debug", request)

    def view(self, p: Principal, run_id: str) -> DebugView:
        """Return where a debug run is. Raises UnknownName, InvalidInput (no debug run), InvalidFile."""
        run = self._debug_run(p, run_id)
        return view_of(run, self._store.get(run_id) or _begun(run))

    @operation("runs.set_breakpoints", "run", "debug runs", "Set the breakpoints of a debug run")
    def set_breakpoints(self, p: Principal, run_id: str, breakpoints: Sequence[str]) -> DebugView:
        """Replace the breakpoints of an open debug run; a call that pauses already stays paused.

        Raises as `view`, InUse if the run has ended, InvalidInput for a step that is not there.
        """
        run = self._debug_run(p, run_id)
        row = self._worker.rows.get(run_id)
        if row is None or row.acceptance is None:
            raise _over(run)
        found = breakpoints_of(self._worker.plans.plan(json.loads(row.acceptance)), breakpoints)
        self._keep(run, lambda state: state._replace(breakpoints=tuple(found)))
        return self.view(p, run_id)

    @operation("runs.step_debug", "run", "debug runs", "Make one paused call of a debug run")
    def step(self, p: Principal, run_id: str, step: str = "") -> DebugView:
        """Let one paused call be made, and pause before every next one.

        `step`: its path in the run, needed if several calls pause. If none does, the run pauses before its next steps.
        Raises as `view`, InUse if the run has ended, InvalidInput if `step` does not pause.
        """
        run = self._debug_run(p, run_id)
        paused = self.view(p, run_id).paused
        chosen = _chosen(run, paused, step).path if step or paused else None
        return self._changed(p, run, lambda state: state.stepped(chosen))

    @operation("runs.continue_debug", "run", "debug runs", "Continue a debug run")
    def go_on(self, p: Principal, run_id: str, past: Past = "", step: str = "") -> DebugView:
        """Let all paused calls be made, up to the next breakpoint or the end.

        `past`: no longer pause in the loop around the paused call `step`, or at its breakpoint; `step` is needed
        if several calls pause. Raises as `step`.
        """
        if past not in get_args(Past):
            raise InvalidInput(f"Unknown way to continue: {past!r}. {did_you_mean(past, get_args(Past)[1:])}")
        run = self._debug_run(p, run_id)
        paused = self.view(p, run_id).paused
        last_turn = max((one["paused"]["turn"] for one in run["steps"] if "paused" in one), default=0)
        chosen = _chosen(run, paused, step) if past else None
        if chosen is not None and past == "loop" and not chosen.loop:
            raise InvalidInput(f"{chosen.path!r} is in no loop.", remedy="Continue without that.")

        def change(state: DebugState) -> DebugState:
            if chosen is not None:
                state = state.past_loop(chosen.path) if past == "loop" else state.without(chosen.path)
            return state.continued(last_turn)

        return self._changed(p, run, change)

    def wait(self, p: Principal, run_id: str, seconds: float | None = None) -> DebugView:
        """Wait until a debug run pauses, waits or has ended, in whatever process, or until the timeout."""
        until = None if seconds is None else time.monotonic() + seconds
        view = self.view(p, run_id)
        while view.is_moving and (until is None or time.monotonic() < until):
            self._worker.wait(run_id, _LOOK_SECONDS)
            time.sleep(_LOOK_SECONDS)  # `wait` returns at once while the run waits, or another process works on it
            view = self.view(p, run_id)
        return view

    def _keep(self, run: Run, change: Callable[[DebugState], DebugState]) -> None:
        """Change the state of a run, which reads it before each step. Raises InUse if the run has ended."""
        if not self._store.change(run["run_id"], lambda state: change(state or _begun(run)), timestamp(self._clock())):
            raise _over(run)

    def _changed(self, p: Principal, run: Run, change: Callable[[DebugState], DebugState]) -> DebugView:
        """Change the state of a run and let it go on, whichever process owns it."""
        run_id = run["run_id"]
        self._keep(run, change)
        if self._worker.owner.take(run_id):
            self._worker.start(run_id)
        return self.view(p, run_id)

    def _debug_run(self, p: Principal, run_id: str) -> Run:
        run = self._runs.get(p, run_id)
        if kind_of(options_of(run)) is RunKind.DEBUG:
            return run
        remedy = f"`orchestra runs debug {run['workflow']} --break STEP` starts a debug run on the stand-ins."
        if any(one["mode"] == AccountMode.MINE for one in run["accounts"].values()):
            raise InvalidInput(f"Run {run_id} works on real accounts, where no run can be debugged.", remedy=remedy)
        raise InvalidInput(f"Run {run_id} is not a debug run, so it does not pause at breakpoints.", remedy=remedy)


def _begun(run: Run) -> DebugState:
    return DebugState.begun(options_of(run)["debug"]["breakpoints"])


def _chosen(run: Run, paused: Sequence[PausedStep], step: str) -> PausedStep:
    """Return the paused call that a person means. Raises InvalidInput."""
    named = [one for one in paused if one.path == step or (step and one.step == step)] if step else paused
    if len(named) == 1:
        return named[0]
    paths = [one.path for one in named or paused]
    if not paths:
        raise InvalidInput(f"Run {run['run_id']} is not paused.", remedy="Wait until it is.")
    if named:
        raise InvalidInput(f"{len(named)} steps are paused: {listed(paths)}.", remedy=f"Name one, such as {paths[0]}.")
    raise InvalidInput(f"{step!r} is not paused.", remedy=did_you_mean(step, paths))


def _over(run: Run) -> InUse:
    return InUse(
        f"Run {run['run_id']} has ended ({run['status']}), so it does not go on.",
        remedy=f"`orchestra runs debug {run['workflow']}` starts a new debug run.",
    )
